// A session's events as they happen: resumed where they broke off, each told once, in batches.

import { api } from "./api.js";

const TYPES = [
  "session.created", "session.updated", "session.in_progress", "session.idle",
  "session.requires_action", "session.budget_reached", "session.failed", "session.closed",
  "turn.queued", "turn.in_progress", "turn.waiting", "turn.completed", "turn.incomplete",
  "turn.failed", "turn.cancelled", "turn.updated", "step.started", "step.restarted", "step.completed",
  "step.failed", "item.added", "item.done", "output_text.delta", "output_text.done",
  "reasoning_text.delta", "reasoning_text.done", "tool_call.arguments.delta",
  "tool_call.arguments.done", "tool_call.started", "tool_call.completed", "tool_call.in_doubt",
  "approval.requested", "approval.resolved", "usage.updated",
];
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
    const source = new EventSource(api.eventsUrl(this.sessionId, this.after));
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.changed("live");
    };
    source.onerror = () => this.failed(source);
    for (const type of TYPES) source.addEventListener(type, (sent) => this.take(sent));
    // Of the service's own errors; the browser's have no data, and go to `onerror` as well.
    source.addEventListener("error", (sent) => sent.data && this.take(sent));
  }

  take(sent) {
    const event = JSON.parse(sent.data);
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
    if (source !== this.source || source.readyState === EventSource.OPEN) return;
    this.changed("reconnecting");
    // While it is CONNECTING the browser tries again by itself, from the last event on.
    if (source.readyState !== EventSource.CLOSED) return;
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
