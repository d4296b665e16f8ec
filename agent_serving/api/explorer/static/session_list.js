// The list of sessions, newest first; kept up to date while it is looked at.

import { api } from "./api.js";
import { el, fill, setAttribute, setText } from "./dom.js";
import { count, money, plural, share, time } from "./format.js";
import { button, failure, noSessions } from "./notice.js";
import { badge, setBadge, words } from "./statuses.js";

const PAGE = 50;
const POLL_MS = 4000;
const STATUSES = ["in_progress", "requires_action", "budget_reached", "idle", "failed", "closed"];
const COLUMNS = [
  ["Session", ""], ["Status", ""], ["Turns", "number"], ["Input tokens", "number"],
  ["Cached", "number"], ["Output tokens", "number"], ["Cost", "number"],
  ["Prefix misses", "number"], ["Last change", "number"],
];
// Beside the figures, where there is no room for columns.
const LABELS = {
  turns: "Turns", input: "Input", cached: "Cached", output: "Output", cost: "Cost",
  misses: "Misses", updated: "Last change",
};

export class SessionList {
  constructor(main) {
    this.rows = new Map();
    this.status = "";
    this.body = el("tbody", { role: "rowgroup" });
    this.notice = el("div");
    this.more = button("Show older sessions", () => this.older(), { hidden: true });
    this.table = el(
      "table",
      // Roles, because a table that a narrow window lays out as cards would be none any more.
      { class: "sessions", role: "table", hidden: true },
      el("caption", { class: "visually-hidden" }, "Sessions, newest first"),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, COLUMNS.map(([name, kind]) => el("th", { scope: "col", role: "columnheader", class: kind }, name)))),
      this.body,
    );
    fill(
      main,
      el("div", { class: "page-head" }, el("h1", {}, "Sessions"), this.filter()),
      this.notice,
      el("div", { class: "scroll-x" }, this.table),
      this.more,
    );
    this.stop = new AbortController();
    this.onVisibility = () => !document.hidden && this.newest();
    document.addEventListener("visibilitychange", this.onVisibility);
    this.newest();
  }

  close() {
    this.stop.abort();
    clearTimeout(this.polling);
    document.removeEventListener("visibilitychange", this.onVisibility);
  }

  turnNamed() {}

  filter() {
    const options = STATUSES.map((status) => el("option", { value: status }, words(status)));
    const select = el("select", {}, el("option", { value: "" }, "any"), options);
    select.addEventListener("change", () => {
      this.status = select.value;
      this.rows.clear();
      fill(this.body);
      this.oldest = null;
      this.newest();
    });
    return el("label", {}, "Status ", select);
  }

  async newest() {
    clearTimeout(this.polling);
    const wanted = this.status;
    const page = await this.read({});
    if (this.stop.signal.aborted || wanted !== this.status) return;
    if (page) {
      for (const session of page.data.toReversed()) this.show(session, "prepend");
      if (!this.oldest) this.reached(page);
      const none = this.rows.size === 0;
      this.table.hidden = none;
      if (none) fill(this.notice, this.status ? el("p", { class: "quiet" }, `No session is ${words(this.status)}.`) : noSessions());
    }
    // Whoever types a key must not be disturbed.
    if (!document.hidden && !this.locked) this.polling = setTimeout(() => this.newest(), POLL_MS);
  }

  async older() {
    const page = await this.read({ after: this.oldest });
    if (!page) return;
    for (const session of page.data) this.show(session, "append");
    this.reached(page);
  }

  reached(page) {
    this.oldest = page.last_id;
    this.more.hidden = !page.has_more;
  }

  async read(query) {
    try {
      const filters = { limit: PAGE, status: this.status, ...query };
      const page = await api.sessions(filters, this.stop.signal);
      fill(this.notice);
      this.locked = false;
      return page;
    } catch (error) {
      this.locked = error.status === 401;
      if (!this.stop.signal.aborted) fill(this.notice, failure(error, () => this.newest()));
      return null;
    }
  }

  show(session, where) {
    let row = this.rows.get(session.id);
    if (!row) {
      row = newRow(session);
      this.rows.set(session.id, row);
      this.body[where](row.element);
    }
    update(row, session);
  }
}

function newRow(session) {
  const cells = Object.fromEntries(
    Object.entries(LABELS).map(([name, label]) => [name, el("td", { role: "cell", class: "number", "data-label": label })]),
  );
  const status = badge(session.status);
  const labels = el("span", { class: "metadata" });
  const link = el(
    "a",
    { href: `/explorer/sessions/${encodeURIComponent(session.id)}` },
    el("span", { class: "agent" }, session.agent.name || "unnamed agent"),
    el("span", { class: "mono quiet" }, session.id),
  );
  const element = el(
    "tr",
    { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, link, labels),
    el("td", { role: "cell" }, status),
    Object.values(cells),
  );
  return { element, cells, status, labels };
}

function update({ cells, status, labels }, session) {
  const { usage, cost } = session;
  setBadge(status, session.status);
  setText(cells.turns, count(session.turn_count));
  setText(cells.input, count(usage.input_tokens));
  setText(cells.cached, share(usage.cached_tokens, usage.input_tokens));
  setText(cells.output, count(usage.output_tokens));
  setText(cells.cost, money(cost?.total, cost?.currency));
  const missed = Number(cost?.prefix_miss ?? 0) > 0;
  setText(cells.misses, missed ? `▲ ${money(cost.prefix_miss, cost.currency)}` : "–");
  setAttribute(cells.misses, "data-missed", missed && "");
  if (cells.updated.dataset.at !== session.updated_at) {
    cells.updated.dataset.at = session.updated_at;
    fill(cells.updated, time(session.updated_at));
  }
  const pairs = Object.entries(session.metadata).map(([name, value]) => `${name}=${value}`);
  const shown = pairs.slice(0, 3).join("  ") + (pairs.length > 3 ? `  and ${plural(pairs.length - 3, "more", "more")}` : "");
  setText(labels, shown);
}
