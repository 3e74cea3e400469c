// The joint cases: a list, a pin on the map for each, and both sides when one is chosen.

import { ask, h } from "./dom.js";
import { moment, t } from "./text.js";

const GROUNDS = { footprint: "footprint", conflict: "conflictGround", refusal: "refusal", near: "nearGround", crowd: "crowd", line: "lineGround" };

const MOST = 500; // cases of one answer
const ORDER = ["open", "proposed", "closed"];

/** What is under way comes first, then what waits for a word, then what is done; newest first. */
function byUrgency(a, b) {
  const rank = ORDER.indexOf(a.state) - ORDER.indexOf(b.state);
  return rank || String(b.blown_at ?? "").localeCompare(String(a.blown_at ?? ""));
}

const areaCode = (area) => (typeof area === "string" ? area : area.code);

/** Keeps the panel and the pins; `show` is called when a pin is clicked, `offset` before a flight. */
export class Cases {
  constructor(map, maplibregl, panel, badge, show, offset) {
    Object.assign(this, { map, maplibregl, panel, badge, show, offset });
    this.whistles = [];
    this.names = new Map();
    this.pins = [];
    this.chosen = null;
    this.error = null;
    this.answer = null;
    this.visible = true;
  }

  /** Ask again; without joint cases the list says so. */
  async refresh() {
    try {
      const { whistles } = await ask("v1/whistles", { joint: "true", limit: MOST });
      const answer = JSON.stringify(whistles);
      if (answer === this.answer) return; // nothing that somebody is about to press is redrawn
      this.answer = answer;
      this.whistles = whistles.toSorted(byUrgency);
      this.error = null;
      await this.learnNames();
    } catch (error) {
      this.error = error;
      this.answer = null;
    }
    this.badge.textContent = this.whistles.length;
    this.badge.hidden = !this.whistles.length;
    this.drawPins();
    this.draw();
  }

  async learnNames() {
    const codes = this.whistles.flatMap((whistle) => whistle.areas).filter((area) => typeof area === "string");
    const unknown = [...new Set(codes)].filter((code) => !this.names.has(code));
    for (const area of this.whistles.flatMap((whistle) => whistle.areas)) {
      if (area.name) this.names.set(area.code, area.name);
    }
    await Promise.all(unknown.map(async (code) => {
      const area = await ask(`v1/areas/${code}`).catch(() => null);
      this.names.set(code, area?.name ?? code);
    }));
  }

  drawPins() {
    for (const pin of this.pins) pin.remove();
    this.pins = this.whistles.map((whistle) => {
      const pin = h("button", { type: "button", class: `alarm ${whistle.state}`, hidden: !this.visible, "aria-label": this.title(whistle) });
      pin.addEventListener("click", (event) => {
        event.stopPropagation();
        this.choose(whistle.id);
        this.show();
      });
      return new this.maplibregl.Marker({ element: pin }).setLngLat(whistle.point.coordinates).addTo(this.map);
    });
  }

  /** Show or hide the pins. */
  setVisible(visible) {
    this.visible = visible;
    for (const pin of this.pins) pin.getElement().hidden = !visible;
  }

  title(whistle) {
    return whistle.areas.map((area) => this.names.get(areaCode(area)) ?? areaCode(area)).join(" × ");
  }

  /** Fly to a case and light up both of its sides. */
  choose(id) {
    const whistle = this.whistles.find((one) => one.id === id);
    this.chosen = whistle?.id ?? null;
    const sides = whistle ? whistle.areas.map(areaCode) : [];
    for (const layer of ["sides-fill", "sides-line"]) {
      this.map.setFilter(layer, ["in", ["get", "code"], ["literal", sides]]);
    }
    this.draw();
    if (!whistle) return;
    this.map.flyTo({ center: whistle.point.coordinates, zoom: 16.2, offset: this.offset(), duration: 1200 });
  }

  draw() {
    const whistle = this.whistles.find((one) => one.id === this.chosen);
    this.panel.replaceChildren(...(whistle ? this.details(whistle) : this.list()));
  }

  list() {
    if (this.error) return [h("p", { class: "note wrong" }, h("b", {}, t("failed")), ` ${this.error.message}`)];
    if (!this.whistles.length) return [h("p", { class: "hint" }, t("noCases"))];
    return this.whistles.map((whistle) =>
      h("button", { type: "button", class: `case ${whistle.state}`, "data-id": whistle.id, onclick: () => this.choose(whistle.id) },
        h("strong", {}, this.title(whistle)),
        h("span", { class: `badge ${whistle.state}` }, t(whistle.state)),
        h("span", { class: "muted" }, ` ${t(GROUNDS[whistle.ground] ?? whistle.ground)}`)));
  }

  details(whistle) {
    return [
      h("button", { type: "button", class: "quiet", onclick: () => this.choose(null) }, `‹ ${t("back")}`),
      h("h3", {}, t("sides")),
      h("h2", {}, this.title(whistle)),
      h("p", {}, h("span", { class: `badge ${whistle.state}` }, t(whistle.state)), h("span", { class: "muted" }, ` ${t(GROUNDS[whistle.ground] ?? whistle.ground)}`)),
      ...this.bodies(whistle.called ?? []),
      h("a", { class: "action", href: new URL(`map/whistles/${whistle.id}`, document.baseURI).href }, t("casePage")),
    ];
  }

  bodies(called) {
    if (!called.length) return [];
    return [
      h("h3", {}, t("called")),
      h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("body")), h("th", { scope: "col" }, t("reportedIn")), h("th", { scope: "col" }, t("score")))),
        h("tbody", {}, called.map((body) =>
          h("tr", {},
            h("td", {}, body.name ?? body.body_code),
            h("td", {}, body.reported_in_at ? moment(body.reported_in_at) : "–"),
            h("td", {}, body.score ?? "–"))))),
    ];
  }
}
