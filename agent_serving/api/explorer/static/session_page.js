// One session: its head, its turns (newest first), one step's details; live.

import { api } from "./api.js";
import { Details } from "./details.js";
import { el, fill } from "./dom.js";
import { Feed, cursor } from "./feed.js";
import { LiveReplies } from "./live_replies.js";
import { button, failure, missing } from "./notice.js";
import { SessionHead } from "./session_head.js";
import { TurnSection } from "./turn_section.js";

const TURNS = 20;
const REFRESH_MS = 150;
const RETRY_MS = 2000;
const TICK_MS = 100;

export class SessionPage {
  constructor(main, id, hash) {
    this.main = main;
    this.id = id;
    this.stop = new AbortController();
    this.live = new LiveReplies();
    this.sections = new Map();
    this.stale = { turns: new Set(), session: false };
    this.skew = null;
    this.head = new SessionHead();
    this.details = new Details(() => this.unchoose());
    this.notice = el("div");
    this.turns = el("div", { class: "turns" });
    this.more = button("Show earlier turns", () => this.guarded(() => this.older()), { hidden: true });
    this.element = el(
      "div",
      { class: "session" },
      el("div", { class: "session-main" }, this.head.element, this.notice, this.turns, this.more),
      this.details.element,
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.unchoose());
    this.open(hash);
  }

  close() {
    this.stop.abort();
    this.feed?.close();
    clearInterval(this.ticking);
    clearTimeout(this.refreshing);
  }

  // --- reading ------------------------------------------------------------------------------

  async open(hash) {
    const { signal } = this.stop;
    try {
      const [session, usage, turns] = await Promise.all([
        api.session(this.id, signal),
        api.usage(this.id, signal),
        api.turns(this.id, { order: "desc", limit: TURNS }, signal),
      ]);
      const after = await cursor(this.id, turns.data, signal);
      fill(this.main, this.element);
      fill(this.notice);
      this.head.show(session, usage);
      document.title = `${session.agent.name || "Session"} · ${this.id} · agent-serving`;
      this.sections.clear();
      fill(this.turns);
      this.append(turns);
      this.follow(after);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) fill(this.main, missing(this.id));
      else fill(this.main, failure(error, () => this.open(hash)));
      return;
    }
    if (hash) this.turnNamed(hash);
    else this.newest()?.setExpanded(true);
    const newest = this.newest();
    if (newest) newest.auto = true;
    else fill(this.turns, el("p", { class: "quiet" }, "No turn has been started. It appears here as soon as one is."));
  }

  append(page) {
    for (const turn of page.data) {
      const section = new TurnSection(this, turn);
      this.sections.set(turn.id, section);
      this.turns.append(section.element);
    }
    this.more.hidden = !page.has_more;
    this.scale();
  }

  async older() {
    const after = this.turns.lastElementChild.id;
    this.append(await api.turns(this.id, { order: "desc", limit: TURNS, after }, this.stop.signal));
  }

  newest() {
    return this.sections.get(this.turns.firstElementChild?.id);
  }

  scale() {
    const lengths = [...this.sections.values()].map((section) => section.length(Date.now()));
    const longest = Math.max(...lengths, 0);
    for (const section of this.sections.values()) section.scale(longest);
  }

  /** Runs `work`, and says on the page what went wrong. */
  async guarded(work) {
    try {
      await work(this.stop.signal);
      fill(this.notice);
      return true;
    } catch (error) {
      if (this.stop.signal.aborted) return false;
      if (error.status === undefined) throw error;
      fill(this.notice, failure(error, null));
      return false;
    }
  }

  /** Opens the turn that the address names, and goes there. */
  async turnNamed(turnId) {
    if (!turnId.startsWith("turn_")) return;
    await this.guarded(async () => {
      while (!this.sections.has(turnId) && !this.more.hidden) await this.older();
      const section = this.sections.get(turnId);
      if (!section) return;
      const opened = section.setExpanded(true);
      section.toggle.focus({ preventScroll: true });
      section.element.scrollIntoView({ block: "start" });
      await opened;
    });
  }

  // --- one step -----------------------------------------------------------------------------

  chosen(section, step, { keyboard }) {
    for (const other of this.sections.values()) other.waterfall?.select(other === section ? step.id : null);
    this.choice = { section, stepId: step.id };
    this.drawn = null;
    this.drawDetails();
    this.element.classList.add("with-details");
    section.waterfall.reveal(step.id);
    if (keyboard) this.details.title.focus({ preventScroll: true });
  }

  unchoose() {
    if (!this.choice) return;
    const { section, stepId } = this.choice;
    const inside = this.details.element.contains(document.activeElement);
    this.choice = null;
    this.details.hide();
    this.element.classList.remove("with-details");
    section.waterfall.select(null);
    if (inside) section.waterfall.focus(stepId);
  }

  drawDetails() {
    if (!this.choice) return;
    const { section, stepId } = this.choice;
    const step = section.pages.steps.find((step) => step.id === stepId);
    if (!step) return;
    const live = this.live.of(stepId);
    // Not touched where nothing changed: somebody may be reading in it, or selecting text.
    const drawn = JSON.stringify([step, live, live && [...live.calls], section.turn.items.length]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.details.show(step, section.turn, live);
  }

  stepsRead(section) {
    if (this.choice?.section === section) this.drawDetails();
  }

  // --- live ---------------------------------------------------------------------------------

  follow(after) {
    this.feed?.close();
    clearInterval(this.ticking);
    this.feed = new Feed(this.id, after, {
      told: (events) => this.take(events),
      changed: (state) => this.connected(state),
    });
    this.ticking = setInterval(() => {
      for (const section of this.sections.values()) section.tick(Date.now() + (this.skew ?? 0));
    }, TICK_MS);
  }

  connected(state) {
    this.head.connected(state);
    if (state === "stale") {
      this.unchoose();
      this.open("");
    }
    if (state === "gone") {
      this.close();
      fill(this.main, missing(this.id));
    }
  }

  take(events) {
    for (const event of events) {
      this.live.take(event);
      // The service's clock is the one that bars are drawn by; the newest event is nearest to it.
      const skew = Date.parse(event.created_at) - Date.now();
      this.skew = Math.max(this.skew ?? skew, skew);
      if (event.type.startsWith("turn.") || event.type.startsWith("session.")) this.stale.session = true;
      if (event.turn_id && !event.type.endsWith(".delta") && event.type !== "item.added") this.stale.turns.add(event.turn_id);
    }
    this.newest()?.drawAnswer();
    this.drawDetails();
    this.refreshing ??= setTimeout(() => this.refresh(), REFRESH_MS);
  }

  async refresh() {
    const turns = [...this.stale.turns];
    const session = this.stale.session;
    this.stale = { turns: new Set(), session: false };
    const read = await this.guarded(async (signal) => {
      for (const turnId of turns) await this.refreshTurn(turnId, signal);
      if (session) this.head.show(await api.session(this.id, signal), await api.usage(this.id, signal));
      this.scale();
    });
    if (this.stop.signal.aborted) return;
    if (!read) {
      for (const turnId of turns) this.stale.turns.add(turnId);
      this.stale.session ||= session;
    }
    const again = this.stale.session || this.stale.turns.size > 0;
    this.refreshing = again ? setTimeout(() => this.refresh(), read ? REFRESH_MS : RETRY_MS) : null;
  }

  async refreshTurn(turnId, signal) {
    const known = this.sections.get(turnId);
    const turn = await api.turn(this.id, turnId, signal);
    if (known) {
      known.setTurn(turn);
      if (known.expanded) await known.read(signal);
      return;
    }
    const previous = this.newest();
    // An older turn than those on the page: it is read when it is asked for.
    if (previous && turn.index < previous.turn.index) return;
    const section = new TurnSection(this, turn);
    section.auto = true;
    if (!this.sections.size) fill(this.turns);
    this.sections.set(turnId, section);
    this.turns.prepend(section.element);
    if (previous?.auto && previous.ended && this.choice?.section !== previous) previous.setExpanded(false);
    await section.setExpanded(true);
  }
}
