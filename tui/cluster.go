package tui

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/theme"
	"drydock/tui/widget"
)

// clusterTab is what the cluster pane lists.
type clusterTab int

const (
	podsTab clusterTab = iota
	workloadsTab
	nodesTab
	servicesTab
	eventsTab
	tabCount
)

var tabWords = [tabCount]theme.Word{"tab.pods", "tab.workloads", "tab.nodes", "tab.services", "tab.events"}

// clusterState is the picture of the cluster, and what has just changed in it.
type clusterState struct {
	view     ClusterView
	seen     bool // a first picture has come
	lost     bool // no further picture will come
	tab      clusterTab
	top      int
	changed  map[string]time.Time // marked until then
	departed []departedPod
}

// departedPod is a pod that is gone; it stays in its row for a moment, so that the eye can see it go.
type departedPod struct {
	row   PodRow
	index int
	until time.Time
}

// clusterChanged takes a new picture.
func (m *Model) clusterChanged(v ClusterView) tea.Cmd {
	c := &m.cluster
	now := m.o.Now()
	if c.seen && !m.o.ReduceMotion {
		c.compare(v, now)
	}
	c.view, c.seen = v, true
	m.touch(clusterPane)
	if len(c.changed) > 0 || len(c.departed) > 0 {
		return m.after(changedTime, marksMsg{})
	}
	return nil
}

func podKey(p PodRow) string { return p.Namespace + "/" + p.Name }

// compare marks what differs between the picture so far and the next.
func (c *clusterState) compare(next ClusterView, now time.Time) {
	if c.changed == nil {
		c.changed = map[string]time.Time{}
	}
	before := map[string]PodRow{}
	for _, p := range c.view.Pods {
		before[podKey(p)] = p
	}
	for _, p := range next.Pods {
		old, known := before[podKey(p)]
		if !known || old.Status != p.Status || old.Ready != p.Ready || old.Restarts != p.Restarts {
			c.changed[podKey(p)] = now.Add(changedTime)
		}
		delete(before, podKey(p))
	}
	for i, p := range c.view.Pods {
		if _, gone := before[podKey(p)]; gone {
			c.departed = append(c.departed, departedPod{p, i, now.Add(departedTime)})
		}
	}
	c.departed = slices.DeleteFunc(c.departed, func(d departedPod) bool { // it is back
		return slices.ContainsFunc(next.Pods, func(p PodRow) bool { return podKey(p) == podKey(d.row) })
	})
}

// expireMarks drops marks whose time is over.
func (m *Model) expireMarks() tea.Cmd {
	c, now := &m.cluster, m.o.Now()
	for k, until := range c.changed {
		if !until.After(now) {
			delete(c.changed, k)
		}
	}
	c.departed = slices.DeleteFunc(c.departed, func(d departedPod) bool { return !d.until.After(now) })
	m.touch(clusterPane)
	if len(c.changed) > 0 || len(c.departed) > 0 {
		return m.after(time.Second, marksMsg{})
	}
	return nil
}

// key chooses a tab or scrolls, and says whether the key was for that.
func (c *clusterState) key(name string, height int) bool {
	switch name {
	case "left", "<":
		c.tab, c.top = (c.tab+tabCount-1)%tabCount, 0
	case "right", ">":
		c.tab, c.top = (c.tab+1)%tabCount, 0
	case "up", "k":
		c.top--
	case "down", "j":
		c.top++
	case "pgup":
		c.top -= height - 1
	case "pgdown", "space":
		c.top += height - 1
	case "home", "g":
		c.top = 0
	case "end", "G":
		c.top = 1 << 20 // drawing clamps it
	default:
		return false
	}
	c.top = max(c.top, 0)
	return true
}

// count is how many rows a tab has.
func (c *clusterState) count(t clusterTab) int {
	return [tabCount]int{len(c.view.Pods), len(c.view.Workloads), len(c.view.Nodes), len(c.view.Services), len(c.view.Events)}[t]
}

// clusterTabs is what stands in the pane's rule.
func (m *Model) clusterTabs() widget.Line {
	var l widget.Line
	for t := range tabCount {
		st := m.th.Dim
		text := fmt.Sprintf(" %s %d ", m.words.Say(tabWords[t]), m.cluster.count(t))
		if t == m.cluster.tab {
			st = m.th.Strong
			text = fmt.Sprintf("[%s %d]", m.words.Say(tabWords[t]), m.cluster.count(t))
		}
		l = widget.Put(l, text, st)
	}
	return l
}

func (m *Model) drawCluster(c *widget.Canvas, r widget.Rect) {
	switch {
	case m.cluster.lost:
		c.Lines(r, widget.Wrap(m.words.Say("cluster.lost"), r.Dx(), m.th.Bad), 0)
		return
	case !m.cluster.seen:
		c.Text(r, m.words.Say("cluster.waiting"), m.th.Dim)
		return
	case m.cluster.count(m.cluster.tab) == 0 && (m.cluster.tab != podsTab || len(m.cluster.departed) == 0):
		c.Text(r, m.words.Say("cluster.empty"), m.th.Dim)
		return
	}
	cols, rows := m.clusterRows()
	head, body := widget.Table(cols, rows, r.Dx(), m.th, m.g)
	c.Line(r, head)
	list := widget.NewRect(r.Min.X, r.Min.Y+1, r.Dx(), r.Dy()-1)
	m.cluster.top = max(min(m.cluster.top, len(body)-list.Dy()), 0)
	n := c.Lines(list, body, m.cluster.top)
	if m.cluster.top+n < len(body) {
		c.Text(widget.NewRect(r.Max.X-1, r.Max.Y-1, 1, 1), m.g.More, m.th.Key)
	}
}

func (m *Model) columns(cols ...widget.Column) []widget.Column {
	for i := range cols {
		cols[i].Title = m.words.Say(theme.Word("col." + cols[i].Title))
	}
	return cols
}

// clusterRows are the columns and rows of the tab.
func (m *Model) clusterRows() ([]widget.Column, [][]widget.Line) {
	v := m.cluster.view
	switch m.cluster.tab {
	case workloadsTab:
		return m.columns(widget.Column{Title: "status"}, widget.Column{Title: "kind"}, widget.Column{Title: "name"},
			widget.Column{Title: "ready"}), each(v.Workloads, m.workloadRow)
	case nodesTab:
		return m.columns(widget.Column{Title: "status"}, widget.Column{Title: "name"}, widget.Column{Title: "pods"},
			widget.Column{Title: "address", Drop: 1}), each(v.Nodes, m.nodeRow)
	case servicesTab:
		return m.columns(widget.Column{Title: "name"}, widget.Column{Title: "type", Drop: 2}, widget.Column{Title: "address"},
			widget.Column{Title: "ports"}, widget.Column{Title: "endpoints", Drop: 1}), each(v.Services, m.serviceRow)
	case eventsTab:
		newest := slices.Clone(v.Events)
		slices.Reverse(newest)
		return m.columns(widget.Column{Title: "age"}, widget.Column{Title: "reason"}, widget.Column{Title: "object"},
			widget.Column{Title: "message"}), each(newest, m.eventRow)
	}
	return m.columns(widget.Column{Title: "status"}, widget.Column{Title: "name"}, widget.Column{Title: "ready"},
		widget.Column{Title: "restarts", Drop: 3}, widget.Column{Title: "node", Drop: 1},
		widget.Column{Title: "address", Drop: 2}), m.podRows()
}

func each[T any](rows []T, draw func(T) []widget.Line) [][]widget.Line {
	out := make([][]widget.Line, len(rows))
	for i, r := range rows {
		out[i] = draw(r)
	}
	return out
}

// podRows are the pods, with those that have just gone still in their places.
func (m *Model) podRows() [][]widget.Line {
	rows := each(m.cluster.view.Pods, m.podRow)
	for _, d := range m.cluster.departed {
		row := m.podCells(d.row, uv.Style{Fg: m.th.Dim.Fg, Attrs: uv.AttrStrikethrough | uv.AttrFaint}, m.g.Blocked)
		rows = slices.Insert(rows, min(d.index, len(rows)), row)
	}
	return rows
}

func (m *Model) podRow(p PodRow) []widget.Line {
	glyph, st := m.phase(p.Status, p.Ready)
	cells := m.podCells(p, m.th.Text, glyph)
	status := widget.Put(widget.Text(glyph+" ", st), p.Status, st)
	if _, fresh := m.cluster.changed[podKey(p)]; fresh {
		st.Attrs |= uv.AttrBold
		status = widget.Put(widget.Text(glyph+" ", st), p.Status+m.g.Changed, st)
	}
	cells[0] = status
	return cells
}

func (m *Model) podCells(p PodRow, st uv.Style, glyph string) []widget.Line {
	name := p.Name
	if p.Namespace != "" && p.Namespace != "default" {
		name = p.Namespace + "/" + name
	}
	return []widget.Line{
		widget.Text(glyph+" "+p.Status, st), widget.Text(name, st), widget.Text(p.Ready, st),
		widget.Text(strconv.Itoa(p.Restarts), st), widget.Text(p.Node, st), widget.Text(p.Address, st),
	}
}

// phase is the glyph and style of a pod's status. The words are kubectl's.
func (m *Model) phase(status, ready string) (string, uv.Style) {
	switch status {
	case "Running":
		var have, want int
		if n, _ := fmt.Sscanf(ready, "%d/%d", &have, &want); n == 2 && have < want {
			return m.g.Moving, m.th.Moving
		}
		return m.g.Done, m.th.Good
	case "Succeeded", "Completed":
		return m.g.Done, m.th.Dim
	case "Pending":
		return m.g.Waiting, m.th.Warn
	case "ContainerCreating", "PodInitializing", "NotReady":
		return m.g.Moving, m.th.Moving
	case "Terminating":
		return m.g.Blocked, m.th.Dim
	}
	return m.g.Failed, m.th.Bad
}

func (m *Model) workloadRow(w WorkloadRow) []widget.Line {
	glyph, st := m.g.Done, m.th.Good
	word := w.Status
	if w.Ready < w.Desired {
		glyph, st = m.g.Moving, m.th.Moving
	}
	return []widget.Line{
		widget.Text(glyph+" "+word, st), widget.Text(w.Kind, m.th.Text), widget.Text(w.Name, m.th.Text),
		widget.Text(fmt.Sprintf("%d/%d", w.Ready, w.Desired), m.th.Text),
	}
}

func (m *Model) nodeRow(n NodeRow) []widget.Line {
	glyph, st := m.g.Failed, m.th.Bad
	if n.Ready {
		glyph, st = m.g.Done, m.th.Good
	}
	return []widget.Line{
		widget.Text(glyph+" "+n.Status, st), widget.Text(n.Name, m.th.Text), widget.Text(strconv.Itoa(n.Pods), m.th.Text),
		widget.Text(n.Address, m.th.Text),
	}
}

func (m *Model) serviceRow(s ServiceRow) []widget.Line {
	return []widget.Line{
		widget.Text(s.Name, m.th.Text), widget.Text(s.Type, m.th.Text), widget.Text(s.Address, m.th.Text),
		widget.Text(s.Ports, m.th.Text), widget.Text(strconv.Itoa(s.Endpoints), m.th.Text),
	}
}

func (m *Model) eventRow(e EventRow) []widget.Line {
	reason := widget.Text("  "+e.Reason, m.th.Text)
	if e.Warning {
		reason = widget.Text(m.g.Failed+" "+e.Reason, m.th.Bad)
	}
	message := e.Message
	if e.Count > 1 {
		message = fmt.Sprintf("%s (x%d)", message, e.Count)
	}
	return []widget.Line{
		widget.Text(e.Time.Format("15:04:05"), m.th.Dim), reason, widget.Text(e.Object, m.th.Text),
		widget.Text(message, m.th.Text),
	}
}
