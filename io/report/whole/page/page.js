// Reads the data and builds the page: first what is seen first, the rest piece by piece, so that it
// paints at once.

function buildNotes(report) {
  const {fleet} = report;
  const counted = fleet.layers_only ? 'layers only' : 'layers, configs and manifests';
  document.getElementById('notes').append(el('p', {},
    `Sizes are compressed bytes as the registry stores them; 1 MB = 1,000,000 bytes; a pointer on a figure shows it in full. Stored, logical, proportional and exclusive count ${
      counted}; levels count layers only. Scope ${fleet.scope}. “Moved” is what nodes are expected to fetch.${
      report.group ? ' This report looks at one group alone: what it shares with others is not counted as shared.' : ''}`));
}

const kSections = [['summary', buildSummary], ['levels', buildLevels], ['recommendations', buildRecommendations],
                   ['waste', buildWaste], ['groups', buildGroups], ['tree', buildTree], ['bases', buildBases],
                   ['frontiers', buildFrontiers], ['history', buildHistory], ['images', buildImages]];
const kAtOnce = 2;

function startPage() {
  const report = JSON.parse(document.getElementById('data').textContent);
  const build = ([id, make]) => make(report, document.getElementById(id));
  kSections.slice(0, kAtOnce).forEach(build);
  buildNotes(report);
  const rest = kSections.slice(kAtOnce);
  const next = () => {
    const section = rest.shift();
    if (!section) {
      document.body.dataset.ready = 'true';
      return;
    }
    build(section);
    setTimeout(next);
  };
  // After the first paint.
  requestAnimationFrame(() => setTimeout(next));
}

startPage();
