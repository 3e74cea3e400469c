// The viewer: makes the map and ties search, answers, cases and layers to it.

import { Cases } from "./cases.js";
import { ask, h } from "./dom.js";
import { installGlyphs } from "./glyphs.js";
import { drawLayers } from "./layers.js";
import { answer, failure, hint, locate } from "./place.js";
import { installSearch } from "./search.js";
import { FAMILIES, makeStyle, partIcon } from "./style.js";
import { chosen, onLanguage, switchLanguage, t } from "./text.js";

const { maplibregl } = window;
const FONTS = getComputedStyle(document.documentElement).getPropertyValue("--sans").trim();
const PHONE = window.matchMedia("(max-width: 640px)");
const SNAP_PX = 5;

const $ = (id) => document.getElementById(id);
const bounds = JSON.parse(document.body.dataset.bounds);

/** Room that the card takes from the map. */
function padding() {
  return PHONE.matches
    ? { left: 20, right: 20, top: 40, bottom: $("finder").offsetHeight + 20 }
    : { left: 420, right: 40, top: 40, bottom: 40 };
}

/** From the map's middle to the middle of what the card leaves free, in pixels. */
function offset() {
  const { left, right, top, bottom } = padding();
  return [(left - right) / 2, (top - bottom) / 2];
}

installGlyphs(maplibregl, FONTS);
const map = new maplibregl.Map({
  container: "map",
  style: makeStyle(),
  bounds,
  fitBoundsOptions: { padding: padding() },
  hash: "map",
  minZoom: 5,
  maxZoom: 20,
  dragRotate: false,
  pitchWithRotate: false,
  touchPitch: false,
  attributionControl: false,
  localIdeographFontFamily: FONTS,
});
map.touchZoomRotate.disableRotation();
map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "bottom-right");
map.addControl(new maplibregl.ScaleControl({ maxWidth: 120 }), "bottom-right");
map.on("styleimagemissing", ({ id }) => {
  const family = FAMILIES.find(({ name }) => id === `part-${name}`);
  if (!family) return;
  const icon = partIcon(family, 2);
  map.addImage(id, icon.getContext("2d").getImageData(0, 0, icon.width, icon.height), { pixelRatio: 2 });
});

// --- tabs ----------------------------------------------------------------------------------

const TABS = ["place", "cases", "layers"];

function open(name) {
  for (const tab of TABS) {
    $(`tab-${tab}`).setAttribute("aria-selected", String(tab === name));
    $(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
    $(tab).hidden = tab !== name;
  }
  if (name === "layers") drawSwitches();
}

for (const [i, name] of TABS.entries()) {
  $(`tab-${name}`).addEventListener("click", () => open(name));
  $(`tab-${name}`).addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = TABS[(i + step + TABS.length) % TABS.length];
    open(next);
    $(`tab-${next}`).focus();
  });
}

// --- whose place is this? --------------------------------------------------------------------

const pin = new maplibregl.Marker({ element: h("div", {}, h("div", { class: "pin" })), anchor: "bottom" });
let shown = () => hint();
let question = null;
let grid = null;

function drawPlace() {
  $("place").replaceChildren(...shown());
}

function chooseGrid(id) {
  if (grid) map.setFeatureState({ source: "unit_grids", sourceLayer: "unit_grids", id: grid }, { chosen: false });
  grid = id;
  if (grid) map.setFeatureState({ source: "unit_grids", sourceLayer: "unit_grids", id: grid }, { chosen: true });
}

/** Move the map if the card has come to lie over the pin. */
function uncover(lon, lat) {
  const { x, y } = map.project([lon, lat]);
  const card = $("finder").getBoundingClientRect();
  const covered = x > card.left && x < card.right && y > card.top && y < card.bottom;
  if (covered) map.easeTo({ center: [lon, lat], offset: offset(), duration: 400 });
}

async function askAbout(lon, lat, part = null, disputes = []) {
  question?.abort();
  const own = new AbortController();
  question = own;
  pin.setLngLat([lon, lat]).addTo(map);
  shown = () => [h("p", { class: "hint" }, t("asking"))];
  open("place");
  drawPlace();
  try {
    const placement = await locate(lon, lat, own.signal);
    shown = () => answer(placement, part, disputes);
    chooseGrid(placement.unit_grid?.national_id ?? null);
  } catch (error) {
    if (own.signal.aborted) return;
    shown = () => failure(error);
  }
  drawPlace();
  uncover(lon, lat);
}

function partAt(point) {
  const layers = ["parts-icon", "parts-dot"].filter((id) => map.getLayer(id));
  const box = [[point.x - SNAP_PX, point.y - SNAP_PX], [point.x + SNAP_PX, point.y + SNAP_PX]];
  const [feature] = map.getZoom() >= 15 ? map.queryRenderedFeatures(box, { layers }) : [];
  return feature ?? null;
}

/** The disputes drawn at a point, each once: a tile's edge may draw one twice. */
function disputesAt(point) {
  const found = map.getLayer("disputes-fill") ? map.queryRenderedFeatures(point, { layers: ["disputes-fill"] }) : [];
  return [...new Map(found.map(({ properties }) => [properties.id, properties])).values()];
}

map.on("click", (event) => {
  const part = partAt(event.point);
  const disputes = disputesAt(event.point);
  if (part?.geometry.type === "Point") askAbout(...part.geometry.coordinates, part.properties, disputes);
  else askAbout(event.lngLat.lng, event.lngLat.lat, part?.properties, disputes);
});
map.getCanvas().addEventListener("keydown", (event) => {
  if (event.key === "Enter") askAbout(...map.getCenter().toArray());
});
map.on("mousemove", (event) => {
  map.getCanvas().style.cursor = partAt(event.point) || disputesAt(event.point).length ? "pointer" : "";
});

// --- search ----------------------------------------------------------------------------------

async function goTo(found) {
  const geometry = found.kind === "area" ? await ask(`v1/areas/${found.code}/geometry`) : found.thing.geometry;
  const shape = geometry.type === "Feature" ? geometry.geometry : geometry;
  map.getSource("chosen").setData({ type: "Feature", properties: {}, geometry: shape });
  map.fitBounds(extent(shape.coordinates), { padding: padding(), maxZoom: 18, duration: 900 });
  if (shape.type === "Point") askAbout(...shape.coordinates);
}

function extent(coordinates) {
  const box = new maplibregl.LngLatBounds();
  const walk = (item) => (typeof item[0] === "number" ? box.extend(item) : item.forEach(walk));
  walk(coordinates);
  return box;
}

installSearch($("search"), $("found"), (found) => {
  goTo(found).catch((error) => {
    shown = () => failure(error);
    open("place");
    drawPlace();
  });
});

// --- cases and layers ------------------------------------------------------------------------

const hidden = new Set();
const cases = new Cases(map, maplibregl, $("cases"), $("case-count"), () => open("cases"), offset);
$("tab-cases").addEventListener("click", () => cases.refresh());

function drawSwitches() {
  drawLayers($("layers"), map, hidden, (name, visible) => {
    if (name === "whistles") cases.setVisible(visible);
  });
}

function sizePins() {
  $("map").classList.toggle("far", map.getZoom() < 10);
  $("map").classList.toggle("near", map.getZoom() >= 15);
}
map.on("zoom", sizePins);
sizePins();

map.on("zoomend", () => {
  if (!$("layers").hidden) drawSwitches();
});

// --- words -----------------------------------------------------------------------------------

$("language").addEventListener("click", switchLanguage);
onLanguage(() => {
  document.documentElement.lang = chosen() === "zh" ? "zh-CN" : "en";
  document.title = `${t("title")} · gridsvc`;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  $("language").textContent = t("other");
  $("language").setAttribute("aria-label", t("otherLabel"));
  map.getCanvas().setAttribute("aria-label", t("map"));
  drawPlace();
  cases.draw();
  if (!$("layers").hidden) drawSwitches();
});

open("place");
map.once("load", () => {
  cases.refresh();
  document.body.dataset.ready = "yes";
});
window.gridsvcMap = map; // for those who look into the page, its tests among them
