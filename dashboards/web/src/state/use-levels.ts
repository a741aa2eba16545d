import { useEffect, useState } from 'react';
import { decimalText, parseDecimal, subtract, type Order } from '#api/client/index.ts';
import type { Level } from '../chart/drawing.ts';
import { amount } from '../format.ts';
import { sideWord } from '../orders/words.ts';
import type { PortfolioStore } from './portfolio-store.ts';

const none: readonly Level[] = [];

/** The prices that open orders of a market wait for. */
export function useLevels(store: PortfolioStore | undefined, symbol: string | undefined): readonly Level[] {
  const [levels, setLevels] = useState(none);
  useEffect(() => {
    if (store === undefined) return setLevels(none);
    let drawn: ReadonlyMap<string, Order> | undefined;
    const draw = (): void => {
      const { orders } = store.state();
      if (orders === drawn) return;
      drawn = orders;
      const own = [...(orders?.values() ?? [])].filter((order) => order.symbol === symbol);
      setLevels(own.flatMap(levelsOf));
    };
    draw();
    return store.subscribe(draw);
  }, [store, symbol]);
  return levels;
}

function levelsOf({ side, quantity, filledQuantity, price, stopPrice, status }: Order): Level[] {
  const left = decimalText(subtract(parseDecimal(quantity), parseDecimal(filledQuantity)));
  const title = `${sideWord(side)} ${amount(left)}`;
  const stop =
    status === 'pending' && stopPrice !== null ? [{ price: stopPrice, title: `Stop, ${title}` }] : [];
  const limit = price === null ? [] : [{ price, title }];
  return [...stop, ...limit].map((level) => ({ ...level, price: Number(level.price), side }));
}
