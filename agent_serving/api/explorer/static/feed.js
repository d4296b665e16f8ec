// A session's events as they happen: resumed where they broke off, each told once, in batches.

import { api } from "./api.js";
import { EventStream } from "./event_stream.js";

const BATCH_MS = 50;
const PATIENCE_MS = [500, 1000, 2000, 5000, 10_000];

export class Feed {
  /** `told` gets arrays of events; `changed` gets "live", "reconnecting", "stale" or "gone". */
  constructor(sessionId, after, { told, changed }) {
    this.sessionId = sessionId;
    this.after = after;
    this.told = told;
    this.changed = changed;
    this.batch = [];
    this.failures = 0;
    this.closed = false;
    this.onVisibility = () => (document.hidden ? this.pause() : this.resume());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.resume();
  }

  close() {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.pause();
  }

  // A hidden page gives its connection back: browsers allow six of them per host.
  pause() {
    clearTimeout(this.retrying);
    this.source?.close();
    this.source = null;
  }

  resume() {
    if (this.closed || this.source || document.hidden) return;
    const source = new EventStream(api.eventsUrl(this.sessionId, this.after), {
      opened: () => {
        this.failures = 0;
        this.changed("live");
      },
      told: (data) => source === this.source && this.take(JSON.parse(data)),
      failed: () => this.failed(source),
    });
    this.source = source;
  }

  take(event) {
    if (event.sequence <= this.after) return;
    this.after = event.sequence;
    this.batch.push(event);
    if (this.batch.length === 1) setTimeout(() => this.flush(), BATCH_MS);
  }

  flush() {
    const batch = this.batch;
    this.batch = [];
    if (!this.closed && batch.length) this.told(batch);
  }

  async failed(source) {
    if (source !== this.source) return;
    this.changed("reconnecting");
    this.source = null;
    try {
      await api.events(this.sessionId, { after: this.after, limit: 1 });
    } catch (error) {
      if (error.status === 404) return this.changed("gone");
      if (error.status === 410 || error.status === 422) return this.changed("stale");
    }
    const patience = PATIENCE_MS[Math.min(this.failures++, PATIENCE_MS.length - 1)];
    this.retrying = setTimeout(() => this.resume(), patience);
  }
}

/** Where to follow a session from, so that nothing of an open turn is missed and nothing old is
 * told again: an event in front of the oldest open turn, or the end of the newest one. */
export async function cursor(sessionId, turns, signal) {
  const ended = (turn) => ["completed", "incomplete", "failed", "cancelled"].includes(turn.status);
  const open = turns.filter((turn) => !ended(turn));
  const turn = open.at(-1) ?? turns[0];
  if (!turn) return 0;
  const types = ended(turn)
    ? "turn.completed,turn.incomplete,turn.failed,turn.cancelled"
    : "turn.queued,turn.in_progress";
  const page = await api.events(sessionId, { turn_id: turn.id, types, limit: 1 }, signal);
  return page.last_id ?? 0;
}
