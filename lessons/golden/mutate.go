package golden

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// Mutation is a wrong answer and the goals that noticed it.
type Mutation struct {
	Lesson  string   `json:"lesson"`
	Name    string   `json:"name"` // what was done to the solution: "without `kubectl scale …`"
	Open    []string `json:"open"` // goals that are not reached after it
	Problem string   `json:"problem,omitempty"`
}

// Unbroken is a goal that no wrong answer left open: nothing shows that it can be failed.
type Unbroken struct {
	Lesson string `json:"lesson"`
	Goal   string `json:"goal"`
}

// Mutate makes wrong answers out of each lesson's solution, tries them and the author's own, and returns what each left
// open and the goals that all of them reached. At most so many are made for each lesson; 0 is no limit. When ctx ends before all
// were tried, what is known comes with the error: the answers that were tried, and the goals of lessons in which all were.
func Mutate(ctx context.Context, cfg Config, most int) ([]Mutation, []Unbroken, error) {
	cfg.fill()
	proofs, err := cfg.mutations(most)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Begin != nil {
		cfg.Begin(len(proofs))
	}
	out := make([]Mutation, len(proofs))
	for i, p := range proofs {
		out[i] = Mutation{Lesson: p.lesson.ID, Name: p.name}
		p.judge = func(b *bench) []string { return b.judgeOpen(&out[i]) }
	}
	known := make([]bool, len(proofs))
	cfg.proveAll(ctx, proofs, func(i int, c Case) {
		out[i].Problem, known[i] = strings.Join(c.Problems, "; "), ctx.Err() == nil
	})
	var tried []Mutation
	open := map[string]bool{} // lessons of which not all was tried
	for i := range out {
		if known[i] {
			tried = append(tried, out[i])
		} else {
			open[out[i].Lesson] = true
		}
	}
	return tried, unbroken(cfg.Pack, tried, open), context.Cause(ctx)
}

func unbroken(p *pack.Pack, tried []Mutation, open map[string]bool) []Unbroken {
	var out []Unbroken
	for _, l := range p.Lessons {
		if open[l.ID] {
			continue
		}
		mine := slices.DeleteFunc(slices.Clone(tried), func(m Mutation) bool { return m.Lesson != l.ID })
		for _, g := range l.Goals {
			noticed := slices.ContainsFunc(mine, func(m Mutation) bool { return slices.Contains(m.Open, g.ID) })
			if len(mine) > 0 && !noticed {
				out = append(out, Unbroken{l.ID, g.ID})
			}
		}
	}
	return out
}

// mutations lists what is to be tried.
func (cfg *Config) mutations(most int) ([]*proof, error) {
	var out []*proof
	for _, general := range cfg.Pack.Lessons {
		if len(cfg.Lessons) > 0 && !slices.Contains(cfg.Lessons, general.ID) {
			continue
		}
		lesson, err := general.For(firstSeed)
		if err != nil {
			return nil, err
		}
		wrong := Wrong(lesson.Solutions[0])
		if most > 0 && len(wrong) > most {
			wrong = wrong[:most]
		}
		for _, s := range slices.Concat(wrong, lesson.Mutants) {
			lab := fmt.Sprintf("mutate-%s-%d", cfg.Pack.ID, len(out))
			out = append(out, &proof{cfg: cfg, lesson: lesson, name: s.Name, lab: lab, seed: firstSeed, script: &s})
		}
	}
	return out, nil
}

// judgeOpen notes the goals that a wrong answer did not reach. That its script breaks off is part of being wrong.
func (b *bench) judgeOpen(m *Mutation) []string {
	if _, err := b.course.CheckNow(b.ctx); err != nil {
		return []string{err.Error()}
	}
	if _, _, err := b.lab.RunScript(b.ctx, b.script.Body, nil); err != nil {
		return []string{err.Error()}
	}
	for _, a := range b.script.Answers {
		if _, err := b.course.Answer(b.ctx, a.Goal, a.Value); err != nil {
			return []string{err.Error()}
		}
	}
	s, err := b.rest()
	if s == nil {
		return []string{err.Error()}
	}
	for _, g := range s.Goals {
		if g.Mark != course.Done {
			m.Open = append(m.Open, g.Goal.ID)
		}
	}
	return nil
}

var (
	flag      = regexp.MustCompile(` --([a-z-]+)=("[^"]*"|'[^']*'|[^ "']+)`)
	yamlField = regexp.MustCompile(`^(\s*(?:- )?)([A-Za-z][A-Za-z0-9_.-]*): +(\S.*)$`)
	heredoc   = regexp.MustCompile(`<<-?\s*['"]?([A-Za-z_]+)`)
	patience  = regexp.MustCompile(`--timeout=\d+s`)
	waiting   = regexp.MustCompile(`^(set |sleep |kubectl wait |while .*sleep)`)
)

// Wrong makes wrong answers out of a solution: nothing at all, each command left out, each flag or field of a manifest left
// out or changed. Waiting for what will not come is cut short.
func Wrong(solution pack.Script) []pack.Script {
	units := commands(solution.Body)
	out := []pack.Script{{Name: "nothing at all"}}
	add := func(name string, at int, with string) {
		changed := slices.Clone(units)
		changed[at] = with
		body := patience.ReplaceAllString(strings.Join(changed, "\n"), "--timeout=2s")
		out = append(out, pack.Script{Name: name, Body: body + "\n", Answers: solution.Answers})
	}
	for i, unit := range units {
		text := strings.TrimSpace(unit)
		if text == "" || strings.HasPrefix(text, "#") || waiting.MatchString(text) {
			continue
		}
		first, _, _ := strings.Cut(text, "\n")
		add("without `"+first+"`", i, "")
		for _, m := range flag.FindAllStringSubmatchIndex(unit, -1) {
			name, value := unit[m[2]:m[3]], unit[m[4]:m[5]]
			if name == "timeout" || name == "for" || strings.ContainsAny(value, "$<{") {
				continue
			}
			add("without --"+name+"="+value, i, unit[:m[0]]+unit[m[1]:])
			add("with --"+name+"="+other(value), i, unit[:m[4]]+other(value)+unit[m[5]:])
		}
		lines := strings.Split(unit, "\n")
		for k := 1; k < len(lines)-1; k++ { // of a manifest between << and its end
			m := yamlField.FindStringSubmatch(lines[k])
			if m == nil || m[2] == "apiVersion" || m[2] == "kind" {
				continue
			}
			replaced := slices.Clone(lines)
			replaced[k] = m[1] + m[2] + ": " + other(m[3])
			add("with "+m[2]+": "+other(m[3]), i, strings.Join(replaced, "\n"))
			if !strings.Contains(m[1], "-") {
				add("without "+m[2]+": "+m[3], i, strings.Join(slices.Delete(slices.Clone(lines), k, k+1), "\n"))
			}
		}
	}
	return out
}

// commands cuts a script into its lines, with the text of a here-document kept with its command.
func commands(body string) []string {
	var out []string
	end := ""
	for line := range strings.SplitSeq(strings.TrimRight(body, "\n"), "\n") {
		if end != "" {
			out[len(out)-1] += "\n" + line
			if strings.TrimSpace(line) == end {
				end = ""
			}
			continue
		}
		out = append(out, line)
		if m := heredoc.FindStringSubmatch(line); m != nil {
			end = m[1]
		}
	}
	return out
}

// other is a value that is not this one.
func other(value string) string {
	if n, err := strconv.Atoi(value); err == nil {
		return strconv.Itoa(n + 1)
	}
	if q := value[len(value)-1]; strings.ContainsRune(`"'}]`, rune(q)) && len(value) > 1 {
		return value[:len(value)-1] + "x" + string(q)
	}
	return value + "x"
}
