// The panel that answers: whose place is this, and how close is the border?

import { h, ask } from "./dom.js";
import { metres, t } from "./text.js";

const LEVELS = ["district", "street", "community"];
const OF_LEVEL = { district: "ofDistrict", street: "ofStreet", community: "ofCommunity", unit_grid: "ofGrid" };

/** Ask about a point (WGS84, degrees); the answer of /v1/locate. */
export function locate(lon, lat, signal) {
  return ask("v1/locate", { lon: lon.toFixed(7), lat: lat.toFixed(7) }, signal);
}

/** What stands in the panel before anything was asked. */
export function hint() {
  return [h("p", { class: "hint" }, t("hint"))];
}

/** What stands there when the service has not answered. */
export function failure(error) {
  return [h("p", { class: "note wrong" }, h("b", {}, t("failed")), ` ${error.message}`)];
}

/** The answer of /v1/locate, the part that was clicked and the disputes under it, as elements. */
export function answer(placement, part, disputes = []) {
  const [lon, lat] = placement.point.coordinates;
  const position = h("p", { class: "muted code" }, `${lat.toFixed(6)}, ${lon.toFixed(6)} (WGS84)`);
  const shown = part ? partCard(part) : [];
  const narrowest = placement.street ?? placement.district;
  const disputed = disputes.map(disputeCard);
  if (!narrowest) {
    return [...disputed, h("h2", {}, t("outside")), h("p", { class: "hint" }, t("outsideHint")), position];
  }
  return [
    ...shown,
    h("p", { class: "kicker" }, t("belongs")),
    h("h2", {}, narrowest.name),
    chain(placement),
    ...disputed,
    ...contradiction(placement.conflict),
    ...borderCard(placement.border),
    ...approximations(placement),
    position,
  ];
}

const KINDS = { gap: "gap", overlap: "overlap", conflict: "conflictKind", neglect: "neglect" };

function disputeCard(dispute) {
  const dossier = new URL(`v1/disputes/${dispute.id}/dossier.html`, document.baseURI).href;
  return h("p", { class: `note dispute ${dispute.state}` },
    h("b", {}, t("dispute")), ` ${t(KINDS[dispute.kind])} `, h("span", { class: `badge ${dispute.state}` }, t(`dispute_${dispute.state}`)),
    h("br"), `${dispute.areas.split(",").join(" × ")} · ${Math.round(dispute.area_m2).toLocaleString()} m²`,
    h("br"), h("a", { href: dossier, target: "_blank", rel: "noopener" }, t("dossier")));
}

function partCard(part) {
  return [
    h("p", { class: "kicker" }, t("part")),
    h("h2", {}, part.name || part.class),
    h(
      "dl",
      { class: "chain" },
      ...row(t("class"), part.class, part.class_code),
      ...row(t("code"), part.code, part.district_code),
      ...row(t("state"), t(part.state), ""),
    ),
    h("h3", {}, ""),
  ];
}

function row(term, text, code) {
  return [h("dt", {}, term), h("dd", {}, text), h("dd", { class: "code" }, code)];
}

function chain(placement) {
  const rows = LEVELS.flatMap((level) => {
    const area = placement[level];
    return row(t(level), area?.name ?? t("nobody"), area?.code ?? "");
  });
  const grid = placement.unit_grid;
  rows.push(...row(t("unit_grid"), grid?.code ?? t("nobody"), grid?.national_id ?? ""));
  return h("dl", { class: "chain" }, ...rows);
}

function contradiction(conflict) {
  if (!conflict) return [];
  return [h("p", { class: "note wrong" }, h("b", {}, t("conflict")), h("br"), Object.values(conflict.codes ?? {}).join(" · "))];
}

function borderCard(border) {
  if (!border) return [];
  const parts = [
    h("h3", {}, t("border")),
    h("div", { class: "distance" }, metres(border.distance_m), " ", h("small", {}, t(OF_LEVEL[border.level] ?? border.level))),
  ];
  if (border.near) parts.push(h("p", { class: "note near" }, t("near")));
  if (border.neighbours.length) {
    parts.push(
      h("h3", {}, t("neighbours")),
      h("ul", { class: "rows" }, border.neighbours.map((neighbour) =>
        h("li", {}, h("span", {}, neighbour.name, " ", h("span", { class: "muted code" }, neighbour.code)), h("span", { class: "code" }, metres(neighbour.distance_m))))),
    );
  }
  return parts;
}

function approximations(placement) {
  const loose = LEVELS.filter((level) => placement[level] && placement.edition?.[level]?.approximate);
  if (!loose.length) return [];
  const levels = loose.map((level) => `${t(level)} (${t("accuracy")} ${metres(placement.edition[level].accuracy_m)})`);
  return [h("p", { class: "note" }, h("b", {}, t("approximate")), levels.join(t("comma")))];
}
