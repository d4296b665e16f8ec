// The steps of one turn, read page by page, and again from the first that may have changed.

import { api } from "./api.js";

const PAGE = 100;
const AT_ONCE = 1000;
const SETTLED = ["completed", "failed"];

export class StepPages {
  constructor(sessionId, turnId) {
    this.sessionId = sessionId;
    this.turnId = turnId;
    this.steps = [];
    this.more = true;
    this.reading = null;
  }

  /** Reads on from the last step that cannot change any more. `told` gets each page's steps with
   * the index of the first. Stops where AT_ONCE steps more were read. */
  async read(told, signal) {
    // One reader at a time: the second would read the same pages.
    while (this.reading) await this.reading.catch(() => {});
    this.reading = this.pages(told, signal);
    try {
      await this.reading;
    } finally {
      this.reading = null;
    }
  }

  async pages(told, signal) {
    const open = this.steps.findIndex((step) => !SETTLED.includes(step.status));
    let kept = open === -1 ? this.steps.length : open;
    const until = kept + AT_ONCE;
    do {
      const after = kept > 0 ? this.steps[kept - 1].id : null;
      const page = await api.steps(this.sessionId, this.turnId, { limit: PAGE, after }, signal);
      this.steps.splice(kept, page.data.length, ...page.data);
      this.more = page.has_more;
      told(page.data, kept);
      kept += page.data.length;
    } while (this.more && kept < until);
  }
}
