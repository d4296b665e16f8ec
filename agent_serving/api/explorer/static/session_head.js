// Who the session is, what it used, and where its time went. The last is the legend, too.

import { el, fill, setText } from "./dom.js";
import { count, duration, money, share, time } from "./format.js";
import { PHASES, spent } from "./phases.js";
import { badge, setBadge } from "./statuses.js";

export class SessionHead {
  constructor() {
    this.status = badge("idle");
    this.title = el("h1");
    this.connection = el("span", { class: "connection", role: "status" });
    this.about = el("div", { class: "about" });
    this.totals = el("dl", { class: "totals" });
    this.bar = el("div", { class: "strip whole", "aria-hidden": "true" });
    this.legend = el("ul", { class: "legend", "aria-label": "Time by phase" });
    this.element = el(
      "header",
      { class: "session-head" },
      el("div", { class: "page-head" }, this.title, this.status, this.connection),
      this.about,
      this.totals,
      this.bar,
      this.legend,
    );
  }

  show(session, usage) {
    setText(this.title, `${session.agent.name || "Unnamed agent"}`);
    setBadge(this.status, session.status);
    const version = session.agent.version ? `version ${session.agent.version}` : null;
    const pairs = Object.entries(session.metadata).map(([name, value]) => el("span", { class: "chip" }, `${name}=${value}`));
    const key = JSON.stringify([session.metadata, session.updated_at]);
    if (this.about.dataset.key !== key) {
      this.about.dataset.key = key;
      fill(
        this.about,
        version && el("span", {}, version),
        el("span", {}, "opened ", time(session.created_at)),
        el("span", {}, "last change ", time(session.updated_at)),
        session.forked_from && el("span", {}, "fork of ", el("a", { href: `/explorer/sessions/${encodeURIComponent(session.forked_from.session_id)}` }, session.forked_from.session_id)),
        pairs,
      );
    }
    fill(this.totals, totals(session, usage));
    this.drawPhases(usage.timings);
  }

  drawPhases(timings) {
    const whole = spent(timings).reduce((sum, phase) => sum + phase.ms, 0);
    fill(this.bar, spent(timings).map((phase) => {
      const part = el("span", { class: `phase phase-${phase.id}` });
      part.style.setProperty("--ms", phase.ms);
      return part;
    }));
    fill(this.legend, PHASES.map((phase) => {
      const ms = timings[phase.key];
      return el(
        "li",
        { title: phase.meaning },
        el("span", { class: `swatch phase-${phase.id}`, "aria-hidden": "true" }),
        el("span", {}, phase.name),
        " ",
        el("span", { class: "figure" }, ms > 0 ? `${duration(ms)} · ${share(ms, whole)}` : "–"),
      );
    }));
  }

  connected(state) {
    const texts = { live: "Live", reconnecting: "Reconnecting …", gone: "Deleted" };
    this.connection.dataset.state = state;
    setText(this.connection, texts[state] ?? "");
  }
}

function totals(session, usage) {
  const { usage: used } = session;
  const cost = session.cost ?? usage.cost;
  const rows = [
    ["Turns", count(session.turn_count)],
    ["Model steps", count(used.model_steps)],
    ["Tool calls", count(used.tool_calls)],
    ["Input tokens", count(used.input_tokens)],
    ["Cached", share(used.cached_tokens, used.input_tokens)],
    ["Output tokens", count(used.output_tokens)],
  ];
  if (cost) rows.push(["Cost", money(cost.total, cost.currency)]);
  if (Number(cost?.prefix_miss ?? 0)) rows.push(["▲ Prefix misses", money(cost.prefix_miss, cost.currency), "miss"]);
  if (Number(cost?.gpu_seconds ?? 0)) rows.push(["GPU time", duration(Number(cost.gpu_seconds) * 1000)]);
  return rows.map(([name, figure, kind]) => el("div", { class: kind }, el("dt", {}, name), el("dd", {}, figure)));
}
