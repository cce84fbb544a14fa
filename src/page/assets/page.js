// What a page without script lacks: it follows the agent, searches as one types, and listens to keys. It asks this server alone.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  // The cookie stands for the token now; an address that is shared or kept has none.
  const here = new URL(location.href);
  if (here.searchParams.has("token")) {
    here.searchParams.delete("token");
    history.replaceState(null, "", here);
  }

  // --- the parts of the page that follow the agent
  let asked = 0;

  async function refresh(href) {
    const mine = ++asked;
    let text;
    try {
      const answer = await fetch(href, { credentials: "same-origin" });
      text = await answer.text();
    } catch {
      return;
    }
    if (mine !== asked) return;
    const next = new DOMParser().parseFromString(text, "text/html");
    document.title = next.title || document.title;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) replace(part, fresh);
    }
  }

  function replace(part, fresh) {
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const scrolled = [...part.querySelectorAll(".code")].map((one) => one.scrollLeft);
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    part.querySelectorAll("details").forEach((one, at) => { one.open = open[at] ?? one.open; });
    part.querySelectorAll(".code").forEach((one, at) => { one.scrollLeft = scrolled[at] ?? 0; });
    if (focused) {
      const same = [...part.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused);
      if (same) same.focus({ preventScroll: true });
    }
  }

  const live = document.getElementById("live");
  function say(state, text) {
    live.className = `live ${state}`;
    live.textContent = text;
  }

  let events = null;
  let wasOpen = false;
  function follow() {
    if (events || document.hidden) return;
    events = new EventSource("/events");
    events.addEventListener("open", () => {
      say("on", "live");
      if (wasOpen) refresh(location.href);
      wasOpen = true;
    });
    events.addEventListener("changed", () => refresh(location.href));
    events.addEventListener("error", () => say("off", "ra-agent ui has ended"));
  }
  // A browser has few connections to one server: pages that are not seen give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && events) {
      events.close();
      events = null;
    } else {
      follow();
    }
  });
  window.addEventListener("pagehide", () => { if (events) events.close(); events = null; });
  window.addEventListener("pageshow", follow);
  follow();
  // An answer may have come between the page and its stream.
  if (document.querySelector("[data-pending]")) setTimeout(() => refresh(location.href), 300);

  // --- search as one types
  const form = document.getElementById("search");
  if (form) {
    let timer = 0;
    const search = () => {
      const address = new URL(form.action);
      for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, value);
      history.replaceState(null, "", address);
      refresh(address);
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(search, 120);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(timer);
      search();
    });
  }

  // --- keys
  const rows = () => [...document.querySelectorAll("[data-row] a.go")].filter((one) => one.offsetParent !== null);
  function move(step) {
    const all = rows();
    if (all.length === 0) return;
    const current = document.activeElement ? document.activeElement.closest("[data-row]") : null;
    const at = current ? all.findIndex((one) => current.contains(one)) : -1;
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  }
  let wentAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches && event.target.matches("input, select, textarea");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      else if (event.key === "ArrowDown" && event.target.type === "search") {
        event.preventDefault();
        move(1);
      }
      return;
    }
    const goes = Date.now() - wentAt < 1500;
    wentAt = 0;
    if (goes) {
      const link = document.querySelector(`header a[data-key="${CSS.escape(event.key)}"]`);
      if (link) link.click();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      const field = document.getElementById("q");
      if (field) field.focus();
      else location.href = "/search";
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "g") wentAt = Date.now();
  });
})();
