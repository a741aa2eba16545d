import { ApiError, type Query } from '../answer.ts';
import type { Market } from '../markets.ts';
import { quoteUnits, unitsOf } from './units.ts';

export const orderTypes = ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS', 'STOP_LOSS_LIMIT'] as const;
export type OrderType = (typeof orderTypes)[number];
export const timesInForce = ['GTC', 'IOC', 'FOK'] as const;
export type TimeInForce = (typeof timesInForce)[number];

/** An order that keeps to the rules of its market. */
export interface Terms {
  clientOrderId: string | undefined;
  side: 'BUY' | 'SELL';
  type: OrderType;
  timeInForce: TimeInForce;
  lots: number;
  /** Of limit orders. */
  ticks: number | undefined;
  stopTicks: number | undefined;
}

/** Which parameters a type has beside those of all. */
const membersOf: Readonly<Record<OrderType, readonly string[]>> = {
  LIMIT: ['timeInForce', 'price'],
  LIMIT_MAKER: ['price'],
  MARKET: [],
  STOP_LOSS: ['stopPrice'],
  STOP_LOSS_LIMIT: ['timeInForce', 'price', 'stopPrice'],
};
const maxPriceUnits = 1_000_000n * 10n ** 8n;
const maxLotUnits = 9_000_000_000n * 10n ** 8n;

/** Reads a new order as strictly as the exchange; `lastTicks` is what market orders are reckoned by. */
export function termsOf(query: Query, market: Market, lastTicks: number): Terms {
  const side = among(query.required('side'), ['BUY', 'SELL'], -1117, 'Invalid side.');
  const type = among(query.required('type'), orderTypes, -1116, 'Invalid orderType.');
  const members = membersOf[type];
  for (const name of ['timeInForce', 'price', 'stopPrice'])
    if (!members.includes(name) && query.text(name) !== undefined)
      throw new ApiError(-1106, `Parameter '${name}' sent when not required.`);
  const timeInForce = members.includes('timeInForce')
    ? among(query.required('timeInForce'), timesInForce, -1115, 'Invalid timeInForce.')
    : 'GTC';
  const price = (name: string) =>
    members.includes(name)
      ? onGrid(amount(query, name), market.tickDigits, maxPriceUnits, 'PRICE_FILTER')
      : undefined;
  const lots = onGrid(amount(query, 'quantity'), market.stepDigits, maxLotUnits, 'LOT_SIZE');
  const [ticks, stopTicks] = [price('price'), price('stopPrice')];
  if (quoteUnits(market, ticks ?? stopTicks ?? lastTicks, lots) < (unitsOf(market.minNotional) ?? 0n))
    throw new ApiError(-1013, 'Filter failure: NOTIONAL');
  return { clientOrderId: clientOrderIdIn(query), side, type, timeInForce, lots, ticks, stopTicks };
}

function clientOrderIdIn(query: Query): string | undefined {
  const id = query.text('newClientOrderId');
  if (id === undefined || /^[.A-Z:/a-z0-9_-]{1,36}$/.test(id)) return id;
  throw illegal('newClientOrderId', '^[\\.A-Z\\:/a-z0-9_-]{1,36}$');
}

function amount(query: Query, name: string): bigint {
  const text = query.required(name);
  const form = '^([0-9]{1,20})(\\.[0-9]{1,20})?$';
  if (!new RegExp(form).test(text)) throw illegal(name, form);
  const units = unitsOf(text);
  if (units === undefined) throw new ApiError(-1111, `Parameter '${name}' has too much precision.`);
  return units;
}

function onGrid(units: bigint, digits: number, most: bigint, filter: string): number {
  const step = 10n ** BigInt(8 - digits);
  if (units > 0n && units <= most && units % step === 0n) return Number(units / step);
  throw new ApiError(-1013, `Filter failure: ${filter}`);
}

function among<T extends string>(text: string, all: readonly T[], code: number, message: string): T {
  const found = all.find((one) => one === text);
  if (found === undefined) throw new ApiError(code, message);
  return found;
}

function illegal(name: string, form: string): ApiError {
  return new ApiError(-1100, `Illegal characters found in parameter '${name}'; legal range is '${form}'.`);
}
