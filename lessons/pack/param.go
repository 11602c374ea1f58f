package pack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// Generator draws the value of a parameter. Exactly one field is set.
type Generator struct {
	Int    *IntRange `yaml:"int"`
	Word   bool      `yaml:"word"`   // a short, easily typed word
	Choice []string  `yaml:"choice"` // one of these
	Hash   int       `yaml:"hash"`   // so many hexadecimal digits
}

// IntRange is a whole number from Min to Max, both included.
type IntRange struct {
	Min int `yaml:"min"`
	Max int `yaml:"max"`
}

func (g Generator) valid() error {
	set := 0
	for _, is := range []bool{g.Int != nil, g.Word, len(g.Choice) > 0, g.Hash != 0} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return errors.New("a parameter is exactly one of int, word, choice, hash")
	case g.Int != nil && g.Int.Min > g.Int.Max:
		return fmt.Errorf("the range %d to %d is empty", g.Int.Min, g.Int.Max)
	case g.Hash < 0 || g.Hash > 2*sha256.Size:
		return fmt.Errorf("hash %d: use 1 to %d digits", g.Hash, 2*sha256.Size)
	default:
		return nil
	}
}

// words are short, common, and cannot be mistaken for a kind or a command.
var words = []string{
	"amber", "birch", "cedar", "coral", "delta", "ember", "fern", "flint", "grove", "harbor", "hazel", "heron",
	"island", "ivory", "juniper", "lagoon", "lantern", "maple", "marina", "meadow", "mint", "north", "olive", "opal",
	"otter", "pearl", "pepper", "pine", "quartz", "raven", "reef", "river", "robin", "sable", "sage", "shore",
	"silver", "slate", "spruce", "stone", "summit", "tide", "topaz", "tulip", "violet", "walnut", "willow", "wren",
}

// draw gives the value that belongs to a seed and a name: the same for the same, on every machine and in every version.
func (g Generator) draw(seed, name string) string {
	sum := sha256.Sum256([]byte(seed + "\x00" + name))
	r := rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
	switch {
	case g.Int != nil:
		return strconv.Itoa(g.Int.Min + r.IntN(g.Int.Max-g.Int.Min+1))
	case g.Word:
		return words[r.IntN(len(words))]
	case len(g.Choice) > 0:
		return g.Choice[r.IntN(len(g.Choice))]
	default:
		return hex.EncodeToString(sum[:])[:g.Hash]
	}
}

// values draws every parameter of a lesson.
func (l *Lesson) values(seed string) map[string]string {
	out := map[string]string{}
	for name, g := range l.Params {
		out[name] = g.draw(l.packID+"/"+l.ID+"/"+seed, name)
	}
	return out
}

// A parameter is used as {{name}}. Other text in double braces, such as a Go template, is left alone.
var placeholder = regexp.MustCompile(`\{\{\s*([a-z][a-z0-9-]*)\s*\}\}`)

func substitute(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if v, ok := values[placeholder.FindStringSubmatch(found)[1]]; ok {
			return v
		}
		return found
	})
}

// substituteNodes puts values into every scalar below a node and returns those that changed. A scalar that is a
// parameter and nothing else takes the parameter's type, so that a number stays one.
func substituteNodes(n *yaml.Node, values map[string]string, changed map[*yaml.Node]bool) {
	if n.Kind == yaml.ScalarNode {
		text := substitute(n.Value, values)
		if text == n.Value {
			return
		}
		whole := placeholder.FindString(n.Value) == n.Value
		n.Value = text
		changed[n] = true
		if whole {
			n.Style, n.Tag = 0, ""
		}
	}
	for _, child := range n.Content {
		substituteNodes(child, values, changed)
	}
}

// undeclared are the names used as parameters in a text that are almost those of a declared one.
func (l *Lesson) undeclared(text string) []string {
	var out []string
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		if _, ok := l.Params[found[1]]; !ok && len(l.Params) > 0 && !slices.Contains(out, found[1]) {
			out = append(out, found[1])
		}
	}
	return out
}
