// The switches of the layers, which are the legend too.

import { h } from "./dom.js";
import { drawnBy, FAMILIES, LAYERS, partIcon } from "./style.js";
import { t } from "./text.js";

const KEYS = {
  districts: "border-top:3px solid #3d3550;background:#d9e4d2",
  streets: "border-top:2px solid #6a5a86;box-shadow:0 -1px 5px 1px rgb(106 90 134 / 45%);height:2px",
  communities: "border-top:1px solid #8d7fa3;box-shadow:0 -1px 4px 1px rgb(141 127 163 / 35%);height:2px",
  unit_grids: "border:1px solid #8f86a0;background:linear-gradient(90deg,transparent 48%,#8f86a0 48% 52%,transparent 52%)",
  parts: "background:radial-gradient(circle at 6px 7px,#54627a 4px,transparent 4.5px),radial-gradient(circle at 18px 7px,#d99a00 4px,transparent 4.5px),radial-gradient(circle at 29px 7px,#22877a 4px,transparent 4.5px)",
  lanes: "height:3px;background:linear-gradient(90deg,#d93a2b 33%,#d9952b 33% 66%,#3d8a5a 66%)",
  disputes: "border:2px dashed #c2410c;background:#f0c9b4",
  alarms: "border:2px solid #d9761a;background:#f3d3b0",
  whistles: "border:2px solid #d93a2b;background:#f3c3bc;border-radius:3px",
};

/** Draw the switchboard; `changed(name, visible)` is called after a switch. */
export function drawLayers(panel, map, hidden, changed) {
  const zoom = map.getZoom();
  const switches = LAYERS.map(({ name, from }) => {
    const input = h("input", { type: "checkbox", checked: !hidden.has(name), "data-layer": name });
    input.addEventListener("change", () => {
      if (input.checked) hidden.delete(name);
      else hidden.add(name);
      for (const id of drawnBy(map, name)) {
        map.setLayoutProperty(id, "visibility", input.checked ? "visible" : "none");
      }
      changed(name, input.checked);
    });
    const key = h("span", { class: "key", "aria-hidden": true });
    key.style.cssText = KEYS[name];
    return h("label", { class: "switch" }, input, key, t(name), zoom < from ? h("small", {}, t("fromZoom")) : null);
  });
  const families = FAMILIES.map((family) => {
    const icon = partIcon(family, 2);
    icon.setAttribute("aria-hidden", "true");
    return h("li", {}, icon, t(family.name));
  });
  panel.replaceChildren(
    ...switches,
    h("p", { class: "note" }, t("soft")),
    h("h3", {}, t("families")),
    h("ul", { class: "families" }, families),
    h("p", { class: "muted" }, t("trouble")),
  );
}
