// Which page an address shows; back and forward included.

import { el, fill } from "./dom.js";
import { SessionList } from "./session_list.js";
import { SessionPage } from "./session_page.js";

const main = document.getElementById("main");
const crumbs = document.getElementById("crumbs");
let page = null;
let shown = null;

function show({ focus }) {
  const path = location.pathname.replace(/\/+$/, "");
  if (path === shown) {
    page.turnNamed(location.hash.slice(1));
    return;
  }
  page?.close();
  shown = path;
  const id = sessionOf(path);
  document.title = `${id ?? "Sessions"} · agent-serving`;
  fill(
    crumbs,
    el("li", {}, el("a", { href: "/explorer", "aria-current": id === null && "page" }, "Sessions")),
    id !== null && el("li", {}, el("span", { class: "mono", "aria-current": "page" }, id)),
  );
  fill(main);
  page = id === null ? new SessionList(main) : new SessionPage(main, id, location.hash.slice(1));
  window.scrollTo(0, 0);
  if (focus) main.focus({ preventScroll: true });
}

function sessionOf(path) {
  const found = path.match(/^\/explorer\/sessions\/([^/]+)$/);
  return found ? decodeURIComponent(found[1]) : null;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.origin !== location.origin) return;
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (!link.pathname.startsWith("/explorer") || link.pathname.startsWith("/explorer/static")) return;
  if (link.pathname === location.pathname && link.hash) return; // the browser's own jump
  event.preventDefault();
  history.pushState(null, "", link.href);
  show({ focus: true });
});

// A change of the hash alone comes as a popstate, too.
window.addEventListener("popstate", () => show({ focus: true }));

show({ focus: false });
