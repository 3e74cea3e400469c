// Every word on the page in both languages, and the choice between them.

const WORDS = {
  title: ["万米单元网格", "Whose place is this?"],
  skip: ["跳到面板", "Skip to the panel"],
  map: ["地图；按回车查询中心点", "Map; press Enter to ask about its centre"],
  search: ["街道、社区名称或代码", "Street, community or code"],
  views: ["视图", "Views"],
  other: ["English", "中文"],
  otherLabel: ["Switch to English", "切换为中文"],
  place: ["位置", "Place"],
  cases: ["跨区吹哨", "Joint cases"],
  layers: ["图层", "Layers"],
  noneFound: ["没有找到", "Nothing found"],
  hint: ["点击地图上的任意一点，查看它归谁管、离边界多远。", "Click any place on the map to see who answers for it and how close the border is."],
  asking: ["查询中…", "Asking…"],
  belongs: ["这里归", "This place belongs to"],
  outside: ["不在本市范围内", "Outside the city"],
  outsideHint: ["这一点不属于任何一个区。", "This point lies in none of the service's districts."],
  district: ["区", "District"],
  street: ["街道", "Street"],
  community: ["社区", "Community"],
  unit_grid: ["单元网格", "Unit grid"],
  nobody: ["无", "none"],
  border: ["最近的边界", "Nearest border"],
  ofDistrict: ["区界", "of the district"],
  ofStreet: ["街道界", "of the street"],
  ofCommunity: ["社区界", "of the community"],
  ofGrid: ["网格界", "of the unit grid"],
  near: ["靠近边界：误差范围内，两边都可能。", "Near the border: within the accuracy, it may be either side."],
  neighbours: ["相邻", "Neighbours"],
  approximate: ["界线为近似：", "Approximate borders: "],
  accuracy: ["误差约", "accurate to about"],
  conflict: ["各级边界不一致", "The levels contradict each other"],
  failed: ["服务没有回答", "The service did not answer"],
  part: ["部件", "Part"],
  state: ["状态", "State"],
  class: ["类别", "Class"],
  code: ["代码", "Code"],
  intact: ["完好", "intact"],
  damaged: ["破损", "damaged"],
  missing: ["丢失", "missing"],
  abandoned: ["废弃", "abandoned"],
  open: ["处理中", "open"],
  closed: ["已结案", "closed"],
  proposed: ["待确认", "proposed"],
  footprint: ["占地跨越边界", "footprint across the border"],
  conflictGround: ["边界争议", "conflicting borders"],
  refusal: ["双方都退回", "refused by both sides"],
  nearGround: ["紧邻边界", "near the border"],
  crowd: ["两侧多人上报", "reports on both sides"],
  lineGround: ["沿线联合执法", "along a line"],
  noCases: ["目前没有跨区吹哨。", "There are no joint cases now."],
  sides: ["双方", "The two sides"],
  called: ["被吹哨单位", "Called bodies"],
  reportedIn: ["报到", "Reported in"],
  done: ["完成", "Done"],
  score: ["评分", "Score"],
  body: ["单位", "Body"],
  casePage: ["查看案卷页", "Open the case page"],
  back: ["全部案件", "All cases"],
  districts: ["区界", "Districts"],
  streets: ["街道界", "Streets"],
  communities: ["社区界", "Communities"],
  unit_grids: ["单元网格", "Unit grids"],
  parts: ["部件", "Parts"],
  lanes: ["街巷：无街巷长、七日未巡查、正常", "Lanes: no chief, seven days not patrolled, kept"],
  disputes: ["边界争议", "Disputes"],
  alarms: ["热力告警", "Alarms"],
  dispute: ["边界争议", "Disputed ground"],
  dossier: ["查看争议卷宗", "Open the dossier"],
  gap: ["无人管辖", "nobody claims it"],
  overlap: ["重复管辖", "claimed twice"],
  neglect: ["三不管地带", "refused, returned or slow"],
  conflictKind: ["层级矛盾", "the levels contradict"],
  dispute_open: ["未决", "open"],
  dispute_under_negotiation: ["协商中", "under negotiation"],
  dispute_agreed: ["已达成一致", "agreed"],
  dispute_settled: ["已解决", "settled"],
  whistles: ["跨区吹哨", "Joint cases"],
  fromZoom: ["放大可见", "zoom in"],
  soft: ["带柔边的界线为近似界线。", "Borders with a soft edge are approximate."],
  families: ["部件类别", "Kinds of parts"],
  manhole: ["井盖", "Covers"],
  light: ["路灯", "Lamps"],
  sign: ["标牌信号", "Signs, signals"],
  clean: ["环卫设施", "Sanitation"],
  green: ["园林绿化", "Greenery"],
  utility: ["其他公用", "Other utilities"],
  rest: ["其他", "Others"],
  trouble: ["红圈：破损或丢失", "Red ring: damaged or missing"],
  comma: ["、", ", "],
  zoomIn: ["放大", "Zoom in"],
  zoomOut: ["缩小", "Zoom out"],
  whole: ["全市", "Whole city"],
};

const KEPT = "gridsvc.language";

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage may be closed to the page
  }
}

let language = kept() ?? (navigator.language?.toLowerCase().startsWith("zh") ? "zh" : "en");
const listeners = [];

/** The word for `key` in the language chosen. */
export function t(key) {
  const words = WORDS[key];
  return words ? words[language === "zh" ? 0 : 1] : key;
}

/** "zh" or "en". */
export function chosen() {
  return language;
}

/** Call `listener` now and whenever the language changes. */
export function onLanguage(listener) {
  listeners.push(listener);
  listener();
}

/** Change to the other language, and remember it. */
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // without storage the choice lasts as long as the page
  }
  for (const listener of listeners) listener();
}

/** Metres as people say them. */
export function metres(value) {
  if (value >= 10000) return `${(value / 1000).toFixed(0)} km`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} km`;
  if (value >= 10) return `${Math.round(value)} m`;
  return `${value.toFixed(1)} m`;
}

/** A moment in the reader's own way; an empty text for none. */
export function moment(value) {
  if (!value) return "";
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  return new Date(value).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}
