// Bytes over time, as a replay or a series of snapshots tells them.

const kHistory = {width: 960, height: 300, left: 70, right: 150, top: 14, bottom: 30};
const kHistoryLines = [['stored_bytes', 'stored', ''], ['planned_bytes', 'stored with the plan', 'planned'],
                       ['logical_bytes', 'logical', 'logical']];

// Titles at the ends of lines, moved apart where they would overlap.
function placeTitles(titles) {
  const kApart = 14;
  titles.sort((a, b) => a.y - b.y);
  titles.forEach((title, k) => {
    if (k > 0) title.y = Math.max(title.y, titles[k - 1].y + kApart);
  });
  return titles;
}

function historyCurve(points, lines) {
  const {width, height, left, right, top, bottom} = kHistory;
  const date = (p) => new Date(1000 * p.time);
  const x = d3.scaleUtc().domain(d3.extent(points, date)).range([left, width - right]);
  const y = d3.scaleLinear().domain([0, d3.max(points, (p) => d3.max(lines, ([key]) => p[key]))]).nice()
                .range([height - bottom, top]);
  const last = points[points.length - 1];
  const svg = d3.create('svg').attr('viewBox', `0 0 ${width} ${height}`).attr('role', 'img')
                  .attr('aria-label', `Bytes over time, at the end ${lines.map(([key, name]) => `${name} ${
                      bytesText(last[key])}`).join(', ')}`);
  svg.append('g').attr('class', 'axis').attr('transform', `translate(0,${height - bottom})`)
      .call(d3.axisBottom(x).ticks(8));
  svg.append('g').attr('class', 'axis').attr('transform', `translate(${left},0)`)
      .call(d3.axisLeft(y).ticks(5).tickFormat(bytesText));
  for (const [key, , kind] of lines) {
    svg.append('path').datum(points).attr('class', `line ${kind}`)
        .attr('d', d3.line().x((p) => x(date(p))).y((p) => y(p[key])));
  }
  const titles = placeTitles(lines.map(([key, name]) => ({name, y: y(last[key])})));
  svg.selectAll('.line-title').data(titles).join('text').attr('class', 'line-title')
      .attr('x', width - right + 8).attr('y', (title) => title.y + 4).text((title) => title.name);
  return svg.node();
}

function dayText(time) {
  return new Date(1000 * time).toISOString().slice(0, 10);
}

function buildHistory(report, section) {
  const points = report.history;
  if (points.length < 2) return;
  section.hidden = false;
  document.querySelector('nav a[href="#history"]').hidden = false;
  const lines = kHistoryLines.filter(([key]) => points.every((p) => key in p));
  // Logical bytes are many times those stored, and would flatten the curve that is looked for.
  const drawn = lines.filter(([key]) => key !== 'logical_bytes');
  section.append(el('h2', {id: 'history-title'}, 'Over time'),
      el('figure', {}, el('figcaption', {}, `Stored bytes from ${dayText(points[0].time)} to ${
          dayText(points[points.length - 1].time)}`), historyCurve(points, drawn),
      el('details', {}, el('summary', {}, 'Figures'), makeTable({
        caption: 'Bytes over time', noun: 'point', rows: points, columns: [
          {title: 'day', value: (p) => p.time, cell: (p) => dayText(p.time)},
          ...lines.map(([key, name]) => ({title: name, value: (p) => p[key], cell: (p) => bytesFigure(p[key])}))]}))));
}
