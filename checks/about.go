package checks

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"drydock/engine/decision"
)

// What an About concerns, and from when on.

func (a About) check() error {
	if a.Kind == "" {
		return at(errors.New("say which kind of object it is about, such as Pod"), "about", "kind")
	}
	if _, err := path.Match(a.Name, ""); err != nil {
		return at(fmt.Errorf("name %q: use letters, and * for any run of characters", a.Name), "about", "name")
	}
	return nil
}

func checkSince(s Since) error {
	if s != "" && s != SinceLesson && s != SinceStep {
		return at(fmt.Errorf("since %q: use lesson or step", s), "since")
	}
	return nil
}

// namespace is the one that is meant; "" for all, and for kinds without.
func (a About) namespace() string {
	switch {
	case a.Namespace == "*" || slices.Contains(clusterWide, a.Kind):
		return ""
	case a.Namespace == "":
		return "default"
	default:
		return a.Namespace
	}
}

func (a About) concerns(kind, namespace, name string) bool {
	if kind != a.Kind || a.namespace() != "" && namespace != a.namespace() {
		return false
	}
	ok, _ := path.Match(a.Name, name) // the pattern was tried when the check was compiled
	return a.Name == "" || ok
}

// concernsRecord compares by resource, which is what records tell.
func (a About) concernsRecord(o decision.Object) bool {
	return o.Resource == plural(a.Kind) && a.concerns(a.Kind, o.Namespace, o.Name)
}

// plural is the resource of a kind, as Kubernetes forms it.
func plural(kind string) string {
	word := strings.ToLower(kind)
	switch {
	case word == "endpoints":
		return word
	case strings.HasSuffix(word, "s") || strings.HasSuffix(word, "x") || strings.HasSuffix(word, "ch"):
		return word + "es"
	case strings.HasSuffix(word, "y") && !strings.HasSuffix(word, "ay"):
		return strings.TrimSuffix(word, "y") + "ies"
	default:
		return word + "s"
	}
}

// String names what it is about: "Pod web-*".
func (a About) String() string {
	name := a.Kind
	if a.Name != "" {
		name += " " + a.Name
	}
	if n := a.namespace(); n != "" && n != "default" {
		name += " -n " + n
	}
	return name
}

// lookAt is the command that tells more.
func (a About) lookAt() Text {
	name := a.Name
	if name == "" || strings.Contains(name, "*") {
		name = "NAME"
	}
	return plainText("drydock trace " + short(a.Kind) + "/" + name)
}

// begins is the time from which on something counts, and whether that has come.
func (s Since) begins(v View) (time.Time, bool) {
	if s == SinceStep {
		return v.Step, !v.Step.IsZero()
	}
	return v.Lesson.Time, true
}
