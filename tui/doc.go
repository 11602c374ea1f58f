// Package tui is the terminal interface: lesson, shell, cluster and checks on one screen.
//
// # Part played
//
// None of Kubernetes' components: this is the desk a learner sits at. It knows nothing of engines, packs or checks. The
// world reaches it through two small interfaces, Lab and Course, that hold plain Go types, and leaves as one screen.
//
// # How it works
//
// The learner types "kubectl run web …". The root model routes each key to the shell (Model.Update), the key encoder of
// package term writes its bytes to the pseudo-terminal, and what bash answers comes back as bytes into the emulator of
// the same package. The lab pushes a ClusterView on each watch event and the course pushes a ChecksView; both land as
// messages in Update. View blits the cells of each pane into one screen buffer: panes that did not change are not drawn
// again. Only package tui and the packages below it import Charm's libraries.
//
//	page/    what fills the whole window: start-up, the error page, the list of lessons, help
//	widget/  what fills a rectangle: boxes, text, the Markdown of a lesson, tables, the checks
//	keymap/  which key does what, and the Korean layout
//	theme/   colours, glyphs, and the words of the interface in each language
//	term/    the embedded terminal
package tui
