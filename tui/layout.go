package tui

import "drydock/tui/widget"

// pane is one of the four things a learner looks at.
type pane int

const (
	lessonPane pane = iota
	shellPane
	clusterPane
	checksPane
	paneCount
)

// layoutKind is which of the layouts fits the window.
type layoutKind int

const (
	tooSmall layoutKind = iota
	narrow              // one column: the shell, the others as tabs; checks as a drawer
	medium              // lesson beside shell over (cluster or checks)
	wide                // lesson over checks, shell over cluster
)

const (
	minCols, minRows = 60, 15
	shellCols        = 80 // kubectl's tables are made for it
	drawerRows       = 3
)

// rule is a horizontal line with a title in it.
type rule struct {
	pane pane
	rect widget.Rect
}

// layout says where everything is. Panes that are not shown have an empty rectangle.
type layout struct {
	kind   layoutKind
	whole  widget.Rect
	panes  [paneCount]widget.Rect
	rules  []rule
	column widget.Rect // the line between left and right
	task   widget.Rect // the line with the task, in the narrow layout
	status widget.Rect
}

// arrangement is what a layout depends on besides the window.
type arrangement struct {
	focus pane
	zoom  bool
	tab   pane // the pane shown in the narrow layout
	lower pane // clusterPane or checksPane, in the medium layout
	goals int  // how many rows the checks would like
	shift int  // columns given to the lesson, or taken from it
}

// newLayout divides a window.
func newLayout(w, h int, a arrangement) layout {
	l := layout{kind: kindOf(w, h), whole: widget.NewRect(0, 0, w, h)}
	if l.kind == tooSmall {
		return l
	}
	l.status = widget.NewRect(0, h-1, w, 1)
	switch {
	case a.zoom:
		l.put(a.focus, widget.NewRect(0, 0, w, h-1))
	case l.kind == wide:
		l.divideWide(w, h-1, a)
	case l.kind == medium:
		l.divideMedium(w, h-1, a)
	default:
		l.divideNarrow(w, h-1, a)
	}
	return l
}

func kindOf(w, h int) layoutKind {
	switch {
	case w < minCols || h < minRows:
		return tooSmall
	case w >= 140 && h >= 30:
		return wide
	case w >= 100 && h >= 20:
		return medium
	}
	return narrow
}

// put gives a pane a rectangle, whose first row becomes its rule.
func (l *layout) put(p pane, r widget.Rect) {
	l.rules = append(l.rules, rule{p, widget.NewRect(r.Min.X, r.Min.Y, r.Dx(), 1)})
	inside := widget.NewRect(r.Min.X, r.Min.Y+1, r.Dx(), r.Dy()-1)
	if p != shellPane { // the shell needs every column; text wants air
		inside.Min.X++
		inside.Max.X--
	}
	l.panes[p] = inside
}

// split is where the right side begins. The shell keeps its 80 columns before the lesson grows.
func split(w, share, least, shift int) int {
	left := min(w*share/100, w-shellCols-1)
	return min(max(left+shift, least), w-40)
}

func (l *layout) divideWide(w, h int, a arrangement) {
	x := split(w, 40, 44, a.shift)
	checks := min(max(a.goals+1, 6), h*2/5)
	cluster := max(h/3, 8)
	l.column = widget.NewRect(x, 0, 1, h)
	l.put(lessonPane, widget.NewRect(0, 0, x, h-checks))
	l.put(shellPane, widget.NewRect(x+1, 0, w-x-1, h-cluster))
	l.put(clusterPane, widget.NewRect(x+1, h-cluster, w-x-1, cluster))
	l.put(checksPane, widget.NewRect(0, h-checks, x, checks))
}

func (l *layout) divideMedium(w, h int, a arrangement) {
	x := split(w, 38, 36, a.shift)
	lower := max(h/3, 7)
	l.column = widget.NewRect(x, 0, 1, h)
	l.put(lessonPane, widget.NewRect(0, 0, x, h))
	l.put(shellPane, widget.NewRect(x+1, 0, w-x-1, h-lower))
	l.put(a.lower, widget.NewRect(x+1, h-lower, w-x-1, lower))
}

func (l *layout) divideNarrow(w, h int, a arrangement) {
	l.task = widget.NewRect(0, 0, w, 1)
	body := widget.NewRect(0, 1, w, h-1)
	if a.tab == clusterPane || a.tab == checksPane {
		l.put(a.tab, body)
		return
	}
	drawer := drawerRows + 1
	if a.tab == shellPane { // its title would cost a row and say nothing
		l.panes[shellPane] = widget.NewRect(0, 1, w, h-1-drawer)
	} else {
		l.put(a.tab, widget.NewRect(0, 1, w, h-1-drawer))
	}
	l.put(checksPane, widget.NewRect(0, h-drawer, w, drawer))
}

// at is the pane at a place, or paneCount.
func (l *layout) at(x, y int) pane {
	for p, r := range l.panes {
		if x >= r.Min.X && x < r.Max.X && y >= r.Min.Y-1 && y < r.Max.Y && !r.Empty() {
			return pane(p)
		}
	}
	return paneCount
}
