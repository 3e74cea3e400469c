// How the map looks: paper, soft districts, and borders whose weight says their rank.

const BASE = new URL(".", document.baseURI).href;

export const ALARM = "#d93a2b";
const HOT = "#d9761a";
const INK = "#3d3550";
const PAPER = "#f6f1e7";

// Districts take their colour from their code. Eleven tints keep neighbours apart in Beijing.
const TINTS = [
  "#e9dcc3", "#d9e4d2", "#e8d5d3", "#d5dfe9", "#e6e0ec", "#dfe7c8",
  "#eedcc8", "#d3e5e2", "#eadfd0", "#dcd8e8", "#e3e6d9",
];

/** The layers of the switchboard, in the order of drawing, with their first zoom. */
export const LAYERS = [
  { name: "districts", from: 0 },
  { name: "streets", from: 9 },
  { name: "communities", from: 11 },
  { name: "unit_grids", from: 13 },
  { name: "parts", from: 14 },
  { name: "lanes", from: 13 },
  { name: "disputes", from: 9 },
  { name: "alarms", from: 9 },
  { name: "whistles", from: 8 },
];

/** Families of part classes: the class codes that each begins with. First match wins. */
export const FAMILIES = [
  { name: "manhole", color: "#54627a", shape: "ring", codes: ["0100", "0101", "01020", "01021", "01022"] },
  { name: "light", color: "#d99a00", shape: "star", codes: ["01037", "01038", "01039"] },
  { name: "sign", color: "#2f6fb7", shape: "square", codes: ["02"] },
  { name: "clean", color: "#22877a", shape: "bin", codes: ["03"] },
  { name: "green", color: "#6f9a2e", shape: "leaf", codes: ["04"] },
  { name: "utility", color: "#8a6598", shape: "diamond", codes: ["01"] },
  { name: "rest", color: "#8b6b4a", shape: "dot", codes: [""] },
];

function byFamily(value) {
  const rules = ["case"];
  for (const family of FAMILIES.slice(0, -1)) {
    const tests = family.codes.map((code) => ["==", ["slice", ["get", "class_code"], 0, code.length], code]);
    rules.push(["any", ...tests], value(family));
  }
  return [...rules, value(FAMILIES.at(-1))];
}

/** The colours of a dispute's states: what is open alarms, what is settled rests. */
export const STATES = { open: "#c2410c", under_negotiation: "#a86400", agreed: "#2f6fb7", settled: "#2f7d5b" };

function byState() {
  return ["match", ["get", "state"], ...Object.entries(STATES).flat(), STATES.open];
}

function source(name, minzoom, id) {
  return {
    type: "vector",
    tiles: [`${BASE}tiles/${name}/{z}/{x}/{y}.mvt`],
    minzoom,
    maxzoom: 16,
    ...(id ? { promoteId: { [name]: id } } : {}),
  };
}

const zoomed = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];

/** A border as a line, with a soft band under it where it is approximate. */
function border(name, minzoom, color, width, opacity = 1) {
  const common = {
    type: "line",
    source: name,
    "source-layer": name,
    minzoom,
    layout: { "line-join": "round" },
  };
  return [
    {
      id: `${name}-band`,
      ...common,
      filter: ["==", ["get", "approximate"], true],
      paint: { "line-color": color, "line-width": zoomed(9, 3, 12, 7, 16, 16), "line-blur": zoomed(9, 3, 12, 6, 16, 13), "line-opacity": 0.22 },
    },
    { id: `${name}-line`, ...common, paint: { "line-color": color, "line-width": width, "line-opacity": opacity } },
  ];
}

/** Names of small areas stay in their middle: moved aside, they would stand in the next one. */
function label(name, minzoom, field, size, color, { bold = false, mayMove = false } = {}) {
  return {
    id: `${name}-label`,
    type: "symbol",
    source: name,
    "source-layer": `${name}_label`,
    minzoom,
    layout: {
      "text-field": ["get", field],
      "text-font": [bold ? "Sans Bold" : "Sans"],
      "text-size": size,
      "text-letter-spacing": bold ? 0.08 : 0.02,
      "text-max-width": 8,
      "text-padding": 6,
      ...(mayMove ? { "text-variable-anchor": ["center", "top", "bottom"], "text-radial-offset": 2.2 } : {}),
    },
    paint: { "text-color": color, "text-halo-color": "rgba(255,253,248,.9)", "text-halo-width": 1.6 },
  };
}

/** The whole style; nothing in it comes from another host. */
export function makeStyle() {
  return {
    version: 8,
    glyphs: "canvas://{fontstack}/{range}",
    sources: {
      districts: source("districts", 0, "code"),
      streets: source("streets", 9, "code"),
      communities: source("communities", 11, "code"),
      unit_grids: source("unit_grids", 13, "national_id"),
      parts: source("parts", 14),
      lanes: source("lanes", 13),
      disputes: source("disputes", 9),
      alarms: source("alarms", 9),
      whistles: source("whistles", 8),
      chosen: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "paper", type: "background", paint: { "background-color": PAPER } },
      {
        id: "districts-glow",
        type: "line",
        source: "districts",
        "source-layer": "districts",
        paint: { "line-color": "#b7a689", "line-width": zoomed(7, 10, 12, 22), "line-blur": zoomed(7, 9, 12, 20), "line-opacity": zoomed(7, 0.5, 13, 0.15) },
      },
      {
        id: "districts-fill",
        type: "fill",
        source: "districts",
        "source-layer": "districts",
        paint: {
          "fill-antialias": false,
          "fill-color": [
            "match",
            ["%", ["to-number", ["slice", ["get", "code"], 4, 6]], TINTS.length],
            ...TINTS.flatMap((tint, i) => [i, tint]),
            TINTS[0],
          ],
          "fill-opacity": zoomed(8, 1, 13, 0.62, 17, 0.4),
        },
      },
      {
        id: "sides-fill",
        type: "fill",
        source: "streets",
        "source-layer": "streets",
        filter: ["in", ["get", "code"], ["literal", []]],
        paint: { "fill-color": ALARM, "fill-opacity": zoomed(10, 0.2, 16, 0.07) },
      },
      {
        id: "chosen-fill",
        type: "fill",
        source: "chosen",
        paint: { "fill-color": "#4b3f66", "fill-opacity": 0.1 },
      },
      {
        id: "unit_grids-fill",
        type: "fill",
        source: "unit_grids",
        "source-layer": "unit_grids",
        minzoom: 13,
        paint: { "fill-color": INK, "fill-opacity": ["case", ["boolean", ["feature-state", "chosen"], false], 0.16, 0] },
      },
      {
        id: "unit_grids-line",
        type: "line",
        source: "unit_grids",
        "source-layer": "unit_grids",
        minzoom: 13,
        paint: { "line-color": "#8f86a0", "line-width": zoomed(13, 0.3, 17, 1), "line-opacity": zoomed(13, 0.25, 15, 0.6) },
      },
      ...border("communities", 11, "#8d7fa3", zoomed(11, 0.4, 14, 0.9, 17, 1.6), zoomed(11, 0.35, 13, 0.85)),
      ...border("streets", 9, "#6a5a86", zoomed(9, 0.5, 12, 1.3, 16, 2.6), zoomed(9, 0.55, 11, 0.95)),
      {
        id: "districts-casing",
        type: "line",
        source: "districts",
        "source-layer": "districts",
        layout: { "line-join": "round" },
        paint: { "line-color": "#fffdf8", "line-width": zoomed(6, 2.5, 10, 4.5, 16, 9), "line-opacity": 0.85 },
      },
      ...border("districts", 0, INK, zoomed(6, 0.9, 10, 2, 16, 4)),
      {
        id: "sides-line",
        type: "line",
        source: "streets",
        "source-layer": "streets",
        filter: ["in", ["get", "code"], ["literal", []]],
        layout: { "line-join": "round" },
        paint: { "line-color": ALARM, "line-width": zoomed(10, 1.4, 16, 3.2), "line-opacity": 0.85 },
      },
      {
        id: "chosen-line",
        type: "line",
        source: "chosen",
        layout: { "line-join": "round" },
        paint: { "line-color": "#4b3f66", "line-width": 3 },
      },
      {
        id: "lanes-line",
        type: "line",
        source: "lanes",
        "source-layer": "lanes",
        minzoom: 13,
        layout: { "line-join": "round", "line-cap": "round" },
        // Without a chief, never or long not patrolled, kept.
        paint: {
          "line-color": ["case", ["!", ["get", "chief"]], ALARM, [">=", ["coalesce", ["get", "days_since"], 9999], 7], "#d9952b", "#3d8a5a"],
          "line-width": zoomed(13, 1, 17, 3.5),
          "line-opacity": 0.8,
        },
      },
      {
        id: "disputes-fill",
        type: "fill",
        source: "disputes",
        "source-layer": "disputes",
        paint: { "fill-color": byState(), "fill-opacity": 0.32 },
      },
      {
        id: "disputes-line",
        type: "line",
        source: "disputes",
        "source-layer": "disputes",
        layout: { "line-join": "round" },
        paint: { "line-color": byState(), "line-width": zoomed(9, 1, 16, 2.4), "line-dasharray": [3, 1.5] },
      },
      {
        id: "alarms-fill",
        type: "fill",
        source: "alarms",
        "source-layer": "alarms",
        paint: { "fill-color": HOT, "fill-opacity": 0.35 },
      },
      {
        id: "alarms-line",
        type: "line",
        source: "alarms",
        "source-layer": "alarms",
        paint: { "line-color": HOT, "line-width": 1.6 },
      },
      {
        id: "footprints-fill",
        type: "fill",
        source: "whistles",
        "source-layer": "footprints",
        paint: { "fill-color": ALARM, "fill-opacity": 0.5 },
      },
      {
        id: "footprints-line",
        type: "line",
        source: "whistles",
        "source-layer": "footprints",
        paint: { "line-color": "#8f1a10", "line-width": 1.6 },
      },
      {
        id: "parts-dot",
        type: "circle",
        source: "parts",
        "source-layer": "parts",
        minzoom: 14,
        maxzoom: 17,
        paint: {
          "circle-color": byFamily((family) => family.color),
          "circle-radius": zoomed(14, 1.4, 15, 1.7, 16, 3.2),
          "circle-opacity": zoomed(14, 0.55, 16, 0.9),
          "circle-stroke-color": ["match", ["get", "state"], ["damaged", "missing"], ALARM, "#fffdf8"],
          "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 15, 0, 16, ["match", ["get", "state"], ["damaged", "missing"], 1.6, 0.8]],
        },
      },
      {
        id: "parts-trouble",
        type: "circle",
        source: "parts",
        "source-layer": "parts",
        minzoom: 17,
        filter: ["in", ["get", "state"], ["literal", ["damaged", "missing"]]],
        paint: { "circle-color": "transparent", "circle-radius": 11, "circle-stroke-color": ALARM, "circle-stroke-width": 2.4 },
      },
      {
        id: "parts-icon",
        type: "symbol",
        source: "parts",
        "source-layer": "parts",
        minzoom: 17,
        layout: { "icon-image": byFamily((family) => `part-${family.name}`), "icon-allow-overlap": true, "icon-size": zoomed(17, 0.8, 19, 1.1) },
      },
      label("unit_grids", 16.5, "code", 10, "#8f86a0"),
      label("communities", 13, "name", zoomed(13, 10.5, 16, 13), "#756889"),
      label("streets", 10, "name", zoomed(10, 10.5, 13, 14, 16, 16), "#54466f", { mayMove: true }),
      label("districts", 0, "name", zoomed(7, 11.5, 10, 17, 13, 20), INK, { bold: true, mayMove: true }),
    ],
  };
}

/** The map layers that a switch turns on and off. */
export function drawnBy(map, name) {
  const extra = { whistles: ["footprints-fill", "footprints-line", "sides-fill", "sides-line"] };
  return map
    .getStyle()
    .layers.map((layer) => layer.id)
    .filter((id) => id.startsWith(`${name}-`) || extra[name]?.includes(id));
}

/** The sign of a family of parts, 20 px wide: colour and shape both tell. */
export function partIcon(family, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 20 * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.lineWidth = 1.6;
  pen.strokeStyle = "#fffdf8";
  pen.fillStyle = family.color;
  pen.beginPath();
  OUTLINES[family.shape](pen);
  pen.closePath();
  pen.fill();
  pen.stroke();
  DETAILS[family.shape]?.(pen);
  return canvas;
}

const polygon = (pen, ...points) => points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
const star = Array.from({ length: 16 }, (_, i) => {
  const radius = i % 2 ? 5 : 8.4;
  const turn = (i * Math.PI) / 8;
  return [10 + radius * Math.sin(turn), 10 - radius * Math.cos(turn)];
});

const OUTLINES = {
  ring: (pen) => pen.arc(10, 10, 7, 0, 2 * Math.PI),
  star: (pen) => polygon(pen, ...star),
  square: (pen) => pen.roundRect(3, 4.5, 14, 11, 2),
  bin: (pen) => polygon(pen, [4, 4], [16, 4], [14.4, 17], [5.6, 17]),
  leaf: (pen) => {
    pen.moveTo(10, 2);
    pen.bezierCurveTo(19, 7, 17, 17, 10, 18);
    pen.bezierCurveTo(3, 17, 1, 7, 10, 2);
  },
  diamond: (pen) => polygon(pen, [10, 2.5], [17.5, 10], [10, 17.5], [2.5, 10]),
  dot: (pen) => pen.arc(10, 10, 5.5, 0, 2 * Math.PI),
};

function stroke(pen, ...points) {
  pen.beginPath();
  polygon(pen, ...points);
  pen.lineWidth = 1.3;
  pen.stroke();
}

const DETAILS = {
  ring: (pen) => {
    stroke(pen, [5.5, 8], [14.5, 8]);
    stroke(pen, [5.5, 12], [14.5, 12]);
  },
  square: (pen) => stroke(pen, [6, 10], [14, 10]),
  bin: (pen) => stroke(pen, [5, 7.5], [15, 7.5]),
  leaf: (pen) => stroke(pen, [10, 6], [10, 15]),
};
