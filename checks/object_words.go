package checks

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// How an object check puts into words what it looks at, what it wants, and where to look.

// subject names what is looked at: "Pod web", "Pod with labels app=web".
func (c *objectCheck) subject(name string) Text {
	kind := plainText(c.spec.Kind)
	var t Text
	switch {
	case name != "":
		t = wantNamed.with(kind, name)
	case c.spec.Name != "":
		t = wantNamed.with(kind, c.spec.Name)
	case c.spec.Selector != "":
		t = wantSelected.with(kind, c.spec.Selector)
	default:
		t = wantAny.with(kind)
	}
	switch {
	case c.spec.Namespace == "*":
		return inAllSpaces.with(t)
	case c.kind.Namespace != "" && c.kind.Namespace != "default":
		return inNamespace.with(t, c.kind.Namespace)
	default:
		return t
	}
}

// wanted says what is expected, as a whole.
func (c *objectCheck) wanted() Text {
	subject, what := c.subject(""), c.conditions()
	switch {
	case c.spec.Count != nil && what.Empty():
		return wantCount.with(subject, c.spec.Count.text())
	case c.spec.Count != nil:
		return wantCountOf.with(subject, c.spec.Count.text(), what)
	case c.spec.Expect == ExpectNone && what.Empty():
		return wantNone.with(subject)
	case c.spec.Expect == ExpectNone:
		return wantNoneThat.with(subject, what)
	case what.Empty():
		return wantOne.with(subject)
	case c.spec.Expect == ExpectAll:
		return wantAllThat.with(subject, what)
	default:
		return wantOneThat.with(subject, what)
	}
}

func (c *objectCheck) conditions() Text {
	var parts []Text
	if len(c.spec.Match) > 0 {
		parts = demands("", c.spec.Match)
	}
	for _, that := range c.that {
		if !that.source.Say.Empty() {
			parts = append(parts, that.source.Say)
			continue
		}
		for _, t := range that.terms {
			parts = append(parts, t.explain(context.Background(), map[string]any{}).expected)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return joinTexts(", ", parts...)
}

func (n Count) holds(is int) bool {
	return (n.Min == nil || is >= *n.Min) && (n.Max == nil || is <= *n.Max)
}

func (n Count) text() Text {
	switch {
	case n.Min != nil && n.Max != nil && *n.Min == *n.Max:
		return exactly.with(*n.Min)
	case n.Min != nil && n.Max != nil:
		return between.with(*n.Min, *n.Max)
	case n.Min != nil:
		return atLeast.with(*n.Min)
	default:
		return atMost.with(*n.Max)
	}
}

func (c *objectCheck) counted(vs []verdict) Text {
	if len(vs) == 0 {
		return sawZero.with()
	}
	objects := make([]*unstructured.Unstructured, len(vs))
	for i, v := range vs {
		objects[i] = v.object
	}
	return sawCount.with(len(vs), names(objects))
}

// names lists objects by name, the first few of them.
func names(os []*unstructured.Unstructured) string {
	const most = 6
	var out []string
	for i, o := range os {
		if i == most {
			out = append(out, "…")
			break
		}
		out = append(out, o.GetName())
	}
	return strings.Join(out, ", ")
}

// lookAt is the command to run next: describe for one object, a list otherwise.
func (c *objectCheck) lookAt(name string) Text {
	command := "kubectl get " + short(c.spec.Kind) + "s"
	if strings.HasSuffix(short(c.spec.Kind), "s") {
		command = "kubectl get " + short(c.spec.Kind)
	}
	if name != "" {
		command = "kubectl describe " + short(c.spec.Kind) + " " + name
	} else if c.spec.Selector != "" {
		command += " --show-labels"
	}
	switch {
	case c.spec.Namespace == "*":
		command += " -A"
	case c.kind.Namespace != "" && c.kind.Namespace != "default":
		command += " -n " + c.kind.Namespace
	}
	return plainText(command)
}
