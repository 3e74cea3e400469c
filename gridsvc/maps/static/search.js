// The search box: names and codes of areas, codes of unit grids and parts.

import { ask, h } from "./dom.js";
import { onLanguage, t } from "./text.js";

const WAIT_MS = 220;
const AREA_CODE = /^(\d{6}|\d{9}|\d{12})$/;
const THING_CODE = /^(\d{8}|\d{14,17})$/;

/** Wire the box; `go` gets what was chosen, an area or a thing with a geometry. */
export function installSearch(box, list, go) {
  let found = [];
  let current = -1;
  let timer = 0;
  let request = null;

  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (i) => {
    if (!found[i]) return;
    box.value = found[i].name;
    close();
    go(found[i]);
  };
  const mark = (i) => {
    current = i;
    [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === i)));
    list.children[i]?.scrollIntoView({ block: "nearest" });
    if (found[i]) box.setAttribute("aria-activedescendant", `found-${i}`);
  };
  const draw = () => {
    const items = found.map((one, i) =>
      h("li", { id: `found-${i}`, role: "option", "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => choose(i) },
        h("span", {}, one.name, one.inside ? h("small", {}, ` ${one.inside}`) : null), h("small", { class: "code" }, one.code)));
    list.replaceChildren(...(items.length ? items : [h("li", { class: "none" }, t("noneFound"))]));
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    mark(items.length ? 0 : -1);
  };
  const look = async () => {
    request?.abort();
    const text = box.value.trim();
    if (!text) return close();
    request = new AbortController();
    try {
      found = await search(text, request.signal);
      draw();
    } catch (error) {
      if (error.name === "AbortError") return;
      found = [];
      draw();
    }
  };

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && !list.hidden) choose(current);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden || !found.length) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark((current + step + found.length) % found.length);
    }
  });
  box.addEventListener("blur", () => setTimeout(close, 150));
  onLanguage(() => {
    box.placeholder = t("search");
  });
}

async function search(text, signal) {
  const looks = [];
  if (AREA_CODE.test(text)) looks.push(ask(`v1/areas/${text}`, {}, signal).then((area) => [asArea(area)]));
  if (THING_CODE.test(text)) looks.push(ask(`v1/codes/${text}`, {}, signal).then(({ matches }) => matches.map(asThing)));
  if (!/^\d+$/.test(text)) {
    const page = ask("v1/areas", { name: text, limit: 20 }, signal);
    looks.push(page.then(({ areas }) => areas.toSorted((a, b) => a.code.length - b.code.length).map(asArea)));
  }
  const answers = await Promise.allSettled(looks);
  signal.throwIfAborted();
  return answers.flatMap((answer) => answer.value ?? []);
}

function asArea(area) {
  return { kind: "area", code: area.code, name: area.name, inside: area.parent?.name ?? "" };
}

function asThing(thing) {
  const name = thing.kind === "unit_grid" ? `${t("unit_grid")} ${thing.code}` : `${thing.name ?? t("part")} ${thing.code}`;
  return { kind: thing.kind, code: thing.district_code, name, inside: "", thing };
}
