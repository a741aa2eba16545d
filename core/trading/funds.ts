import { add, decimalText, units, zero, type Decimal } from '#core/market/decimal.ts';
import type { Command } from './command.ts';
import { decided, refused, type Decision } from './decision.ts';
import type { Portfolio } from './portfolio.ts';

/** Money comes in. */
export function deposit(
  portfolio: Portfolio,
  { id, asset, amount, atUs }: Extract<Command, { kind: 'deposit' }>,
): Decision {
  const { available, held } = portfolio.balances.get(asset) ?? { available: zero, held: zero };
  if (amount <= zero || add(add(available, held), amount) > balanceMax)
    return refused(
      'BAD_REQUEST',
      `a deposit is above 0, and a balance at most ${decimalText(balanceMax)}`,
      'Deposit another amount.',
    );
  return decided(portfolio, atUs, { type: 'deposited', id, asset, amount });
}

/** Money goes out, of what no order holds. */
export function withdraw(
  portfolio: Portfolio,
  { id, asset, amount, atUs }: Extract<Command, { kind: 'withdraw' }>,
): Decision {
  if (amount <= zero) return refused('BAD_REQUEST', 'a withdrawal is above 0', 'Withdraw another amount.');
  const available = portfolio.balances.get(asset)?.available ?? zero;
  if (amount > available)
    return refused(
      'INSUFFICIENT_FUNDS',
      `${decimalText(available)} ${asset} are available, ${decimalText(amount)} were to be withdrawn`,
      'Withdraw less, or cancel orders that hold some.',
    );
  return decided(portfolio, atUs, { type: 'withdrawn', id, asset, amount });
}

/** A tenth of what a decimal column holds: profit does not make a balance overflow. */
const balanceMax: Decimal = units(10n ** 37n);
