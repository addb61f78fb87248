"use strict";
// What the map says of one asset. Everything that a device said is written as text (textContent), never as markup.

function source(provenance) {
  if (!provenance) return "";
  const capture = provenance.capture === null ? "" : data.captures[provenance.capture] || provenance.capture;
  const file = String(capture).split("/").pop();
  const packet = provenance.packet === null || provenance.packet === undefined ? "" : `packet ${number(provenance.packet)}${file ? ` of ${file}` : ""}`;
  return [provenance.protocol && `${provenance.protocol}: ${provenance.field}`, packet, clock(provenance.time)].filter(Boolean).join(" · ");
}

function item(name, right, ...lines) {
  const box = make("div", "item");
  add(box, add(make("div", "row"), typeof name === "string" ? make("b", "", name) : name, make("span", "", right)));
  for (const line of lines) if (line) box.append(typeof line === "string" ? make("div", "from", line) : line);
  return box;
}

const percent = (share) => `${Math.round(share * 100)} %`;

function drawDetail() {
  const detail = $("detail");
  detail.replaceChildren();
  if (selected === null) {
    drawLegend(detail);
    return;
  }
  const asset = data.assets[selected];
  detail.scrollTop = 0;
  const close = make("button", "close", "✕");
  close.setAttribute("aria-label", "Close details");
  close.addEventListener("click", () => select(null));
  add(detail, add(make("div", "top"), add(make("div"), make("h2", "", asset.called), make("p", "sub", asset.about)), close));
  drawTags(detail, asset);
  drawFacts(detail, asset);
  for (const found of asset.contradictions) {
    detail.append(make("p", "warning", `⚠ ${found.says}: ${shownValue(found.from.value)} (${source(found.from.provenance)}) → ${shownValue(found.to.value)} (${source(found.to.provenance)})`));
  }
  drawConnections(detail, asset);
  drawAttributes(detail, asset);
  drawVotes(detail, asset);
  drawUnits(detail, asset);
}

function drawTags(detail, asset) {
  const tags = make("div", `tags f-${family(asset)}`);
  const role = asset.concluded.role;
  const sure = asset.declared.role ? " · declared" : role && role.value ? ` · ${percent(role.confidence)}` : "";
  tags.append(make("span", "tag main", roleTitle(asset.role) + sure));
  if (asset.level !== null) tags.append(make("span", "tag", `Level ${asset.level} · ${asset.level_by}`));
  if (asset.zone !== null) tags.append(make("span", "tag", `Zone ${asset.zone}`));
  if (asset.kind !== "host") tags.append(make("span", "tag", asset.kind));
  detail.append(tags);
}

function drawFacts(detail, asset) {
  const list = make("dl");
  const facts = { addresses: asset.addresses.join(", "), ...asset.facts, CPE: asset.cpe, VLAN: asset.vlans.join(", "), speaks: asset.protocols.join(", ") };
  facts.seen = asset.first ? `${clock(asset.first)} to ${clock(asset.last)} UTC` : "";
  for (const [name, value] of Object.entries(facts)) if (value) add(list, make("dt", "", name), make("dd", "", shownValue(value)));
  detail.append(list);
}

function drawConnections(detail) {
  const own = data.edges.filter((edge) => edge.client === selected || edge.server === selected);
  detail.append(make("h3", "", `Connections (${own.length})`));
  if (own.length) detail.append(isolation());
  own.sort((a, b) => b.transactions - a.transactions);
  for (const edge of own) detail.append(drawConnection(edge));
  if (!own.length) detail.append(make("p", "sub", "None were seen."));
}

function isolation() {
  const only = add(make("label", "only"), make("input"), document.createTextNode(" Show only these on the map"));
  const box = only.firstChild;
  box.type = "checkbox";
  box.id = "only";
  box.checked = isolated;
  box.addEventListener("change", () => {
    isolated = box.checked;
    paint();
    cards[selected].scrollIntoView({ block: "center" });
  });
  return only;
}

function drawConnection(edge) {
  const out = edge.client === selected, other = out ? edge.server : edge.client;
  const jump = make("button", "", `${out ? "→" : "←"} ${data.assets[other].called}`);
  jump.type = "button";
  jump.addEventListener("click", () => select(other, true));
  const accesses = make("div", "accesses");
  for (const access of data.accesses) {
    if (access in edge.accesses) accesses.append(add(make("span"), swatch(access), document.createTextNode(`${number(edge.accesses[access])} ${access}`)));
  }
  const points = edge.points.length ? `points ${edge.points.slice(0, 12).join(", ")}${edge.points.length > 12 || edge.more_points ? " …" : ""}` : "";
  const functions = edge.functions.length ? `functions ${edge.functions.slice(0, 6).map((one) => one.name || one.code).join(", ")}` : "";
  const rate = [edge.per_minute === null ? "" : `${edge.per_minute} a minute`, edge.rejected ? `${number(edge.rejected)} rejected` : ""].filter(Boolean).join(" · ");
  const when = `${clock(edge.first)} to ${clock(edge.last)}${edge.evidence ? ` · first in packet ${edge.evidence.packet}` : ""}`;
  return item(jump, `${edge.key}${edge.units.length ? ` unit ${edge.units.slice(0, 5).join(", ")}` : ""}`, accesses, functions, points, rate, when, ledger(edge.ledger));
}

function ledger(counts) {
  if (!counts) return "";
  const sent = ["from_client", "from_server"].map((side) => counts[side] || {});
  const packets = `${number(sent[0].packets || 0)} packets to the server, ${number(sent[1].packets || 0)} back`;
  const gaps = (sent[0].gap_bytes || 0) + (sent[1].gap_bytes || 0);
  const notes = [counts.one_way || counts.half_seen ? "one direction only" : "", gaps ? `${number(gaps)} bytes missing` : "", counts.encrypted ? "encrypted" : "", counts.midstream ? "began before the capture" : ""];
  return [packets, ...notes].filter(Boolean).join(" · ");
}

function drawAttributes(detail, asset) {
  const names = Object.keys(asset.attributes).sort();
  detail.append(make("h3", "", `Attributes (${names.length})`));
  for (const name of names) {
    const said = asset.attributes[name];
    let earlier = null;
    if (said.history.length) {
      earlier = add(make("details"), make("summary", "", `${said.history.length} earlier or other`));
      for (const old of said.history) earlier.append(make("div", "from", `${shownValue(old.value)} · ${percent(old.confidence)} · ${source(old.provenance)}`));
    }
    detail.append(item(name, percent(said.confidence), make("div", "", shownValue(said.value)), source(said.provenance), earlier));
  }
  for (const [name, said] of Object.entries(asset.declared)) {
    detail.append(item(`${name} (declared)`, said.at.slice(0, 10), make("div", "", said.value), `${said.who}: ${said.why}`));
  }
}

function drawVotes(detail, asset) {
  const topics = Object.entries(asset.concluded);
  if (topics.length) detail.append(make("h3", "", "Why: the votes"));
  for (const [topic, conclusion] of topics) {
    const title = conclusion.value === null ? `${topic}: left open` : `${topic}: ${topic === "role" ? roleTitle(conclusion.value) : conclusion.value}`;
    const votes = conclusion.votes.map((vote) => {
      const line = make("div", "from", `${percent(vote.weight)} for ${vote.value}: ${vote.why}`);
      for (const ground of vote.evidence.slice(0, 2)) line.append(make("div", "", `↳ ${shownValue(ground.value)} (${source(ground)})`));
      return line;
    });
    detail.append(item(title, percent(conclusion.confidence), ...votes));
  }
}

function drawUnits(detail, asset) {
  if (!asset.units.length) return;
  detail.append(make("h3", "", `Behind it (${asset.units.length})`));
  for (const unit of asset.units) detail.append(item(unit.unit, unit.role ? roleTitle(unit.role) : "", [unit.about, unit.firmware].filter(Boolean).join(" ")));
}

function swatch(access) {
  const dash = DASH[access] || [];
  return make("i", `swatch a-${access}${dash.length ? (dash[0] < 4 ? " dotted" : " dashed") : ""}`);
}

function drawLegend(detail) {
  add(detail, make("h2", "", "Who is here, who talks to whom"), make("p", "sub", "Choose an asset to see what is known of it, which packet said so, and its connections."));
  detail.append(make("h3", "", "Lines: the gravest access"));
  const lines = make("ul", "legend");
  for (const access of data.accesses) lines.append(add(make("li"), swatch(access), document.createTextNode(access)));
  detail.append(lines, make("h3", "", "Cards: what an asset is for"));
  const list = make("ul", "legend");
  for (const [name, title] of Object.entries(FAMILIES)) {
    list.append(add(make("li", `f-${name}`), make("span", "chip"), document.createTextNode(`${title} (${data.assets.filter((asset) => family(asset) === name).length})`)));
  }
  detail.append(list, make("h3", "", "Keys"));
  for (const [key, what] of [["/", "search"], ["← ↑ → ↓", "go from card to card"], ["Enter", "details"], ["Esc", "back"]]) {
    detail.append(add(make("p"), make("kbd", "", key), document.createTextNode(` ${what}`)));
  }
}

