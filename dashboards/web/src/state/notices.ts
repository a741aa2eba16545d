import { Observed } from './observed.ts';

export interface Notice {
  id: number;
  tone: 'good' | 'bad' | 'plain';
  title: string;
  detail?: string;
}

const shownMax = 4;
const shownMs = 8_000;

/** What has just happened, for a while; it can be read in the lists for good. */
export class Notices extends Observed {
  #notices: readonly Notice[] = [];
  #count = 0;

  all = (): readonly Notice[] => this.#notices;

  tell(notice: Omit<Notice, 'id'>): void {
    this.#count += 1;
    const id = this.#count;
    this.#become([{ ...notice, id }, ...this.#notices].slice(0, shownMax));
    setTimeout(() => this.dismiss(id), shownMs);
  }

  dismiss(id: number): void {
    this.#become(this.#notices.filter((notice) => notice.id !== id));
  }

  #become(notices: readonly Notice[]): void {
    this.#notices = notices;
    this.changed();
  }
}
