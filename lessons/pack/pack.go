package pack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"drydock/checks"
)

// Policy says how freely a learner moves through a pack.
type Policy string

// The policies.
const (
	Free  Policy = "free"  // any lesson at any time
	Gated Policy = "gated" // a lesson opens when those it needs are done
	Exam  Policy = "exam"  // gated, and without hints
)

// Format is the version of the format that this package reads.
const Format = 1

// Pack is a loaded pack. It is read-only and safe for use by several goroutines.
type Pack struct {
	ID        string
	Title     checks.Text
	Version   string
	Engine    string
	License   string
	Authors   []string
	Languages []string // the first is the one everything is written in
	Policy    Policy
	Tracks    []Track
	Images    []string

	Lessons []*Lesson // in the order of the tracks
	// Digest is over every file's name and content, without those of the private part: a learner's pack and the grader's
	// have the same, and give the same parameters. "sha256:…"
	Digest string

	fsys fs.FS // where it came from
}

// Track is a named sequence of lessons.
type Track struct {
	ID      string      `yaml:"id"`
	Title   checks.Text `yaml:"title"`
	Lessons []string    `yaml:"lessons"`
}

// Lesson is the lesson of an id, or nil.
func (p *Pack) Lesson(id string) *Lesson {
	for _, l := range p.Lessons {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// Track is the track that a lesson belongs to.
func (p *Pack) Track(lesson string) Track {
	for _, t := range p.Tracks {
		if slices.Contains(t.Lessons, lesson) {
			return t
		}
	}
	return Track{}
}

// rawPack is pack.yaml.
type rawPack struct {
	Format    int         `yaml:"format"`
	ID        string      `yaml:"id"`
	Title     checks.Text `yaml:"title"`
	Version   string      `yaml:"version"`
	Engine    string      `yaml:"engine"`
	License   string      `yaml:"license"`
	Authors   []string    `yaml:"authors"`
	Languages []string    `yaml:"languages"`
	Policy    Policy      `yaml:"policy"`
	Tracks    []Track     `yaml:"tracks"`
	Images    []string    `yaml:"images"`
}

// loader is one Load.
type loader struct {
	fsys     fs.FS
	problems Problems
	unsealed bool              // questions may lack their keys
	tracks   map[string][2]int // line and column at which pack.yaml names a lesson
	meant    []string          // folders of lessons that pack.yaml seems to name wrongly
	images   string            // where the images that drydock carries are in a registry; "" leaves their names
}

func (l *loader) report(file string, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: file, Message: fmt.Sprintf(format, args...)})
}

// Load reads the pack at the root of fsys, which must stay as it is while the pack is used. The error is a Problems when the pack itself is wrong.
func Load(fsys fs.FS) (*Pack, error) { return (&loader{fsys: fsys}).load() }

// LoadUnsealed is Load for a pack whose author has still to make the keys of its questions (checks.AnswerSpec.Seal).
func LoadUnsealed(fsys fs.FS) (*Pack, error) {
	return (&loader{fsys: fsys, unsealed: true}).load()
}

func (l *loader) load() (*Pack, error) {
	digest, err := digestOf(l.fsys)
	if err != nil {
		return nil, err
	}
	p := l.pack()
	if p == nil {
		return nil, l.problems
	}
	p.Digest, p.fsys = digest, l.fsys
	for _, t := range p.Tracks {
		for _, id := range t.Lessons {
			if lesson := l.lesson(p, id); lesson != nil {
				p.Lessons = append(p.Lessons, lesson)
			}
		}
	}
	l.strangers(p)
	l.lessonNeeds(p)
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	return p, nil
}

func (l *loader) pack() *Pack {
	const file = "pack.yaml"
	data, err := l.read(file)
	if errors.Is(err, fs.ErrNotExist) {
		l.report(file, "there is no such file; every pack needs one")
		return nil
	} else if err != nil {
		l.report(file, "%v", err)
		return nil
	}
	d := &decoder{file: file, problems: &l.problems}
	root := d.parse(data)
	if root == nil {
		return nil
	}
	raw := rawPack{Policy: Free, Languages: []string{"en"}}
	d.into(root, reflect.ValueOf(&raw).Elem())
	if raw.Format != Format {
		d.report(find(root, []string{"format"}), "this drydock reads format: %d", Format)
		return nil
	}
	l.checkPack(d, root, &raw)
	return &Pack{
		ID: raw.ID, Title: raw.Title, Version: raw.Version, Engine: raw.Engine, License: raw.License, Authors: raw.Authors,
		Languages: raw.Languages, Policy: raw.Policy, Tracks: raw.Tracks, Images: raw.Images,
	}
}

// read reads a file of the pack; files are small, because they are texts.
func (l *loader) read(name string) ([]byte, error) {
	const largest = 1 << 20
	f, err := l.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("this is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err == nil && len(data) > largest {
		return nil, errors.New("the file is larger than 1 MiB")
	}
	if l.images != "" {
		data = carried.ReplaceAll(data, []byte(l.images+"/$1"))
	}
	return data, err
}

// strangers reports lesson folders that no track names.
func (l *loader) strangers(p *Pack) {
	entries, err := fs.ReadDir(l.fsys, "lessons")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.report("lessons", "%v", err)
	}
	for _, e := range entries {
		if slices.Contains(l.meant, e.Name()) {
			continue
		}
		if !slices.ContainsFunc(p.Tracks, func(t Track) bool { return slices.Contains(t.Lessons, e.Name()) }) {
			l.report("lessons/"+e.Name(), "no track of pack.yaml names this lesson")
		}
	}
	l.privateStrangers(p)
}

// digestOf is a hash over names and contents, the same for the same files wherever they are.
func digestOf(fsys fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if name == privateDir && d != nil && d.IsDir() {
			return fs.SkipDir
		}
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		var length [16]byte
		binary.BigEndian.PutUint64(length[:8], uint64(len(name)))
		binary.BigEndian.PutUint64(length[8:], uint64(len(data)))
		sum.Write(length[:])
		sum.Write([]byte(name))
		sum.Write(data)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read the pack: %w", err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}
