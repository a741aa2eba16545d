import { emptyPortfolio } from '#core/trading/apply.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { LiveStep } from '#core/trading/live.ts';
import { d, Desk, type request } from './pure.ts';

/** A live portfolio, whose orders the venue answers as it is told. */
export class LiveDesk extends Desk {
  constructor(amounts: Record<string, string> = { USDT: '1000' }) {
    super({});
    this.portfolio = emptyPortfolio('p');
    this.events.length = 0;
    const opening = { userId: 'u', name: 'Live', limits: defaultLimits, venue: 'binance' };
    this.does({ kind: 'open_portfolio', ...opening });
    for (const [asset, amount] of Object.entries(amounts))
      this.does({ kind: 'deposit', id: asset, asset, amount: d(amount) });
  }

  books(...steps: LiveStep[]) {
    return this.does({ kind: 'execute_live', steps });
  }

  /** Why steps are refused; undefined where they are not. */
  refusal(...steps: LiveStep[]): string | undefined {
    return this.refuses({ kind: 'execute_live', steps })?.message;
  }

  /** An order that the venue has taken under this number. */
  atVenue(venueOrderId: number, asked: Parameters<typeof request>[0] = {}): string {
    const { id } = this.opens(asked);
    this.books(
      { kind: 'send_order', orderId: id, validUntilUs: 5 },
      { kind: 'confirm_order', orderId: id, venueOrderId },
    );
    return id;
  }
}
