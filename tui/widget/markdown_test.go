package widget_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/tui/theme"
	"drydock/tui/widget"
)

func render(source string, width int) (*widget.Doc, string) {
	doc := widget.NewMarkdown(theme.New("", true), theme.NewGlyphs(true)).Render(source, width)
	var rows []string
	for _, l := range doc.Lines {
		rows = append(rows, strings.TrimRight(widget.Plain(l), " "))
	}
	return doc, strings.Join(rows, "\n")
}

const lesson = `## A pod

A **pod** is the smallest thing Kubernetes *runs*. See ` + "`kubectl explain pod`" + `.

- first item with enough words to wrap
  - inner
- second

1. one
2. two

> A quote that is long enough to wrap around.

` + "```sh\n$ kubectl run web --image=drydock/web:1\n```\n\n```yaml\nkind: Pod\n```\n\n```sh\nkubectl get pods\nkubectl get nodes\n```\n"

func TestMarkdown(t *testing.T) {
	doc, got := render(lesson, 30)
	want := "A pod\n\n" +
		"A pod is the smallest thing\nKubernetes runs. See `kubectl\nexplain pod`.\n\n" +
		"* first item with enough words\n  to wrap\n  * inner\n* second\n\n" +
		"1. one\n2. two\n\n" +
		"| A quote that is long enough\n| to wrap around.\n\n" +
		"[1] $ kubectl run web\n      --image=drydock/web:1\n\n" +
		"|   kind: Pod\n\n" +
		"[2] kubectl get pods\n    kubectl get nodes"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	codes := []widget.Code{
		{Number: 1, Text: "kubectl run web --image=drydock/web:1", Y: 17},
		{Number: 2, Text: "kubectl get pods\nkubectl get nodes", Y: 22},
	}
	if diff := cmp.Diff(codes, doc.Codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

func TestMarkdownKorean(t *testing.T) {
	_, got := render("파드는 쿠버네티스가 실행하는 **가장 작은** 단위입니다.\n\n- 첫째 항목은 조금 더 깁니다", 20)
	want := "파드는 쿠버네티스가\n실행하는 가장 작은\n단위입니다.\n\n* 첫째 항목은 조금\n  더 깁니다"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMarkdownInline(t *testing.T) {
	cases := []struct{ name, source, want string }{
		{"link", "See [the docs](https://k8s.io).", "See the docs (https://k8s.io)."},
		{"bare link", "<https://k8s.io>", "https://k8s.io"},
		{"escapes and entities", "a \\* b &amp; c &lt;d&gt;", "a * b & c <d>"},
		{"hard break", "one\\\ntwo", "one\ntwo"},
		{"soft break", "one\ntwo", "one two"},
		{"code keeps its characters", "`a &amp; \\*`", "`a &amp; \\*`"},
		{"comment", "a <!-- note --> b", "a b"},
		{"tasks", "- [x] done\n- [ ] open", "* [x] done\n* [ ] open"},
		{"long word", "abcdefghijklmnopqrstuvwxyzabcdefghij", "abcdefghijklmnopqrstuvwxyzabcd\nefghij"},
		{"wide word", "가나다라마바사아자차카타파하가나", "가나다라마바사아자차카타파하가\n나"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, got := render(c.source, 30)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMarkdownTableWraps(t *testing.T) {
	_, got := render("| Field | Meaning |\n|---|---|\n| spec | what **should** be, as you asked for it |\n| status | what is |", 26)
	want := "Field  | Meaning\n" +
		"-------+------------------\n" +
		"spec   | what should be,\n" +
		"       | as you asked for\n" +
		"       | it\n" +
		"status | what is"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMarkdownTable(t *testing.T) {
	_, got := render("| a | b |\n|---|---|\n| one | two |\n\nend", 30)
	for _, want := range []string{"one", "two", "end", "|"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.ContainsFunc(got, func(r rune) bool { return r > 0x7e }) {
		t.Errorf("an ASCII table holds other glyphs:\n%s", got)
	}
}

func TestMarkdownNeverOverflows(t *testing.T) {
	m := widget.NewMarkdown(theme.New("", false), theme.NewGlyphs(false))
	source := lesson + "\n\n" + strings.Repeat("쿠버네티스", 20) + " https://kubernetes.io/docs/concepts/workloads/pods/#pod-lifecycle\n" +
		"\n```\n" + strings.Repeat("가나", 40) + "\n```\n"
	for width := 12; width < 90; width++ {
		for y, l := range m.Render(source, width).Lines {
			if len(l) > width {
				t.Fatalf("width %d: line %d has %d columns: %q", width, y, len(l), widget.Plain(l))
			}
			if w := widget.Width(widget.Plain(l)); w > len(l) {
				t.Fatalf("width %d: line %d has %d cells for %d columns: %q", width, y, len(l), w, widget.Plain(l))
			}
		}
	}
}

func TestFind(t *testing.T) {
	doc, _ := render(lesson, 30)
	if y := doc.Find("QUOTE", 0); y != 14 {
		t.Errorf("found at line %d, want 14", y)
	}
	if y := doc.Find("nothing like it", 0); y != -1 {
		t.Errorf("found at line %d, want -1", y)
	}
}

func TestCutKeepsColumns(t *testing.T) {
	l := widget.Text("가나다라", theme.New("", true).Text)
	if got := widget.Plain(widget.Cut(l, 5, "…")); got != "가나…" {
		t.Errorf("Cut = %q", got)
	}
	if got := widget.Cut(l, 4, "…"); len(got) != 4 {
		t.Errorf("Cut to 4 has %d columns", len(got))
	}
}

func BenchmarkMarkdown(b *testing.B) {
	for b.Loop() {
		render(lesson, 60)
	}
}
