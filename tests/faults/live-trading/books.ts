/** What somebody holds to be true of one account's orders: the exchange, or a portfolio. Decimals are text without needless zeros. */
export interface Books {
  orders: readonly BookedOrder[];
  fills: readonly BookedFill[];
  /** By asset, what open orders hold included; those of nothing may be left out. */
  balances: ReadonlyMap<string, string>;
}

export type OrderStatus =
  'pending' | 'open' | 'partially_filled' | 'filled' | 'canceled' | 'expired' | 'rejected';

export interface BookedOrder {
  symbol: string;
  /** Under which the exchange has it. */
  clientOrderId: string;
  status: OrderStatus;
  filled: string;
}

export interface BookedFill {
  symbol: string;
  /** The exchange's, in its symbol. */
  id: number;
  /** Of its order. */
  clientOrderId: string;
  price: string;
  quantity: string;
  fee: string;
  feeAsset: string;
}

/** How a portfolio's books differ from the exchange's, once nothing is under way any more; none where they are the same. */
export function differences(ours: Books, theirs: Books): string[] {
  return [
    ...orderDifferences(ours.orders, theirs.orders),
    ...fillDifferences(ours.fills, theirs.fills),
    ...balanceDifferences(ours.balances, theirs.balances),
  ];
}

function orderDifferences(ours: readonly BookedOrder[], theirs: readonly BookedOrder[]): string[] {
  const known = new Set(ours.map(nameOf));
  const executed = Map.groupBy(theirs, nameOf);
  return [
    ...ours.flatMap((order) => orderDifference(order, executed.get(nameOf(order)) ?? [])),
    ...theirs
      .filter((order) => !known.has(nameOf(order)))
      .map((order) => `${nameOf(order)} is at the exchange alone`),
  ];
}

function orderDifference(ours: BookedOrder, executions: readonly BookedOrder[]): string[] {
  const name = nameOf(ours);
  const [theirs] = executions;
  if (executions.length > 1) return [`${name} was executed ${executions.length} times`];
  if (!isOver(ours)) return [`${name} did not end: it is ${ours.status}`];
  if (theirs === undefined) {
    const never = ours.status !== 'filled' && ours.filled === '0';
    return never ? [] : [`${name} is ${textOf(ours)}, and the exchange does not know it`];
  }
  const [here, there] = [textOf(ours), textOf(theirs)];
  return here === there ? [] : [`${name} is ${here}, and ${there} at the exchange`];
}

function fillDifferences(ours: readonly BookedFill[], theirs: readonly BookedFill[]): string[] {
  const left = new Map(theirs.map((fill) => [fillName(fill), fill]));
  const wrong = ours.flatMap((fill) => {
    const name = fillName(fill);
    const same = left.get(name);
    left.delete(name);
    if (same === undefined) return [`fill ${name} is booked, and not left at the exchange`];
    const [here, there] = [fillText(fill), fillText(same)];
    return here === there ? [] : [`fill ${name} is booked as ${here}, and was ${there}`];
  });
  return [...wrong, ...[...left.keys()].map((name) => `fill ${name} is not booked`)];
}

function balanceDifferences(
  ours: ReadonlyMap<string, string>,
  theirs: ReadonlyMap<string, string>,
): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((asset) => {
    const [here, there] = [ours.get(asset) ?? '0', theirs.get(asset) ?? '0'];
    return here === there ? [] : [`there is ${here} ${asset}, and ${there} at the exchange`];
  });
}

function isOver({ status }: BookedOrder): boolean {
  return status !== 'pending' && status !== 'open' && status !== 'partially_filled';
}

function nameOf({ symbol, clientOrderId }: BookedOrder): string {
  return `${symbol} ${clientOrderId}`;
}

function textOf({ status, filled }: BookedOrder): string {
  return `${status} with ${filled}`;
}

function fillName({ symbol, id }: BookedFill): string {
  return `${symbol} ${id}`;
}

function fillText({ clientOrderId, quantity, price, fee, feeAsset }: BookedFill): string {
  return `${quantity} at ${price} for ${fee} ${feeAsset}, of ${clientOrderId}`;
}
