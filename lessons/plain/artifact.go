package plain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"drydock/lessons/distribution"
	"drydock/lessons/pack"
)

// PackSchema prints the JSON Schema of pack.yaml ("pack") or lesson.yaml ("lesson").
func (m Mode) PackSchema(file string) int {
	schema, err := pack.Schema(file)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	fmt.Fprintln(m.Out, string(schema))
	return OK
}

// BuildOptions are how a pack is built.
type BuildOptions struct {
	File    string // without it, the pack's id, version and variant name it
	Variant pack.Variant
	Key     string // a file with the private key to sign with
	Images  bool   // with the images that the pack needs
	From    []string
}

// PackBuild makes one file of the pack in a folder.
func (m Mode) PackBuild(ctx context.Context, dir string, o BuildOptions) int {
	a, done, code := m.built(ctx, dir, o)
	if a == nil {
		return code
	}
	file := cmp.Or(o.File, fmt.Sprintf("%s-%s-%s.dockpack", a.About.ID, a.About.Version, o.Variant))
	if err := errors.Join(writeArtifact(file, a), done()); err != nil {
		fmt.Fprintln(m.Err, err)
		return Broken
	}
	if m.JSON {
		return m.writeJSON(map[string]any{
			"file": file, "pack": a.About, "manifest": a.Manifest.Digest, "signed": a.Signed(), "images": imageNames(a),
		})
	}
	m.say(builtPack, file, a.Manifest.Digest)
	return OK
}

// built builds, with images if they were asked for, and signs. done gives back the room that images take.
func (m Mode) built(ctx context.Context, dir string, o BuildOptions) (a *pack.Artifact, done func() error, code int) {
	a, err := pack.Build(os.DirFS(dir), o.Variant)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return nil, nil, No
	}
	if err := sign(a, o.Key); err != nil {
		fmt.Fprintln(m.Err, err)
		return nil, nil, Usage
	}
	done = func() error { return nil }
	if !o.Images {
		return a, done, OK
	}
	if done, code, err = addImages(ctx, a, o.From); err != nil {
		fmt.Fprintln(m.Err, err)
		return nil, nil, code
	}
	return a, done, OK
}

func sign(a *pack.Artifact, file string) error {
	if file == "" {
		return nil
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return a.Sign(key)
}

func addImages(ctx context.Context, a *pack.Artifact, from []string) (done func() error, code int, err error) {
	var places []distribution.Place
	for _, text := range from {
		p, err := distribution.ParsePlace(text)
		if err != nil {
			return nil, Usage, err
		}
		places = append(places, p)
	}
	p, err := pack.Load(a.Files)
	if err == nil {
		done, err = distribution.AddImages(ctx, a, p.NeedsImages(), places)
	}
	return done, No, err
}

func imageNames(a *pack.Artifact) []string {
	names := []string{}
	for _, d := range a.Images {
		names = append(names, pack.ImageName(d))
	}
	return names
}

func writeArtifact(file string, a *pack.Artifact) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".dockpack-")
	if err != nil {
		return fmt.Errorf("write the pack: %w", err)
	}
	_, err = a.WriteTo(f)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write the pack: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// PackKeygen makes a pair of keys: NAME.key to sign with, NAME.pub to give away.
func (m Mode) PackKeygen(name string) int {
	private, public, err := pack.NewKey()
	if err == nil {
		err = writeNew(name+".key", private, 0o600)
	}
	if err == nil {
		err = writeNew(name+".pub", public, 0o644)
	}
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	m.say(madeKey, name+".key", name+".pub")
	return OK
}

// writeNew never overwrites: a lost private key cannot be made again.
func writeNew(name string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// PackVerify says whether a built pack is whole, and with a public key whether its owner signed it.
func (m Mode) PackVerify(file, keyFile string) int {
	a, err := pack.OpenFile(file)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		if errors.Is(err, pack.ErrDamaged) {
			return No
		}
		return Usage
	}
	if keyFile != "" {
		key, err := os.ReadFile(keyFile)
		if err != nil {
			fmt.Fprintln(m.Err, err)
			return Usage
		}
		if err := a.Verify(key); err != nil {
			fmt.Fprintln(m.Err, err)
			return No
		}
		m.say(verified, a.About.ID, a.About.Version, a.About.Variant, keyFile)
		return OK
	}
	if a.Signed() {
		m.say(wholeSigned, a.About.ID, a.About.Version, a.About.Variant)
		return OK
	}
	m.say(wholeUnsigned, a.About.ID, a.About.Version, a.About.Variant)
	return OK
}

// PackPush sends a pack to a place: a built one, or a folder, of which learners get what is not private.
func (m Mode) PackPush(ctx context.Context, name, where string, o BuildOptions) int {
	to, err := distribution.ParsePlace(where)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	a, done, code := m.opened(ctx, name, o)
	if a == nil {
		return code
	}
	digest, err := distribution.Push(ctx, a, to)
	if err = errors.Join(err, done()); err != nil {
		fmt.Fprintln(m.Err, err)
		return No
	}
	if m.JSON {
		return m.writeJSON(map[string]any{"place": to.String(), "digest": digest, "pack": a.About, "signed": a.Signed(), "images": imageNames(a)})
	}
	m.say(pushed, a.About.ID, a.About.Version, to, digest)
	return OK
}

// opened is a built pack, or one built of a folder now.
func (m Mode) opened(ctx context.Context, name string, o BuildOptions) (*pack.Artifact, func() error, int) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return m.built(ctx, name, o)
	}
	a, err := pack.OpenFile(name)
	if err == nil {
		err = sign(a, o.Key)
	}
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return nil, nil, Usage
	}
	return a, func() error { return nil }, OK
}

// PackPull fetches a pack from a place into a file. With a public key, only what its owner signed.
func (m Mode) PackPull(ctx context.Context, where, file, keyFile string) int {
	return m.fetch(ctx, where, keyFile, func(got string) int {
		a, err := pack.OpenFile(got)
		if err == nil {
			file = cmp.Or(file, fmt.Sprintf("%s-%s-%s.dockpack", a.About.ID, a.About.Version, a.About.Variant))
			err = writeArtifact(file, a)
		}
		if err != nil {
			fmt.Fprintln(m.Err, err)
			return Broken
		}
		if m.JSON {
			return m.writeJSON(map[string]any{
				"file": file, "pack": a.About, "manifest": a.Manifest.Digest, "signed": a.Signed(), "images": imageNames(a),
			})
		}
		m.say(builtPack, file, a.Manifest.Digest)
		return OK
	})
}

// fetch gets a pack from a place into a temporary file, verifies it there and lets it be used.
func (m Mode) fetch(ctx context.Context, where, keyFile string, use func(file string) int) int {
	from, err := distribution.ParsePlace(where)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	dir, err := os.MkdirTemp("", "dockpack-")
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Broken
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary one
	file := filepath.Join(dir, "pack")
	if _, err := distribution.Pull(ctx, from, file); err != nil {
		fmt.Fprintln(m.Err, err)
		return No
	}
	if code := m.quietly().PackVerify(file, keyFile); code != OK {
		return code
	}
	return use(file)
}

// quietly says on Err what else would be an answer.
func (m Mode) quietly() Mode { return Mode{Out: m.Err, Err: m.Err, Lang: m.Lang} }

// PackInstall keeps a pack, so that `--pack ID` finds it: a built one, or one that is fetched from a place first. With a
// public key, only what its owner signed.
func (m Mode) PackInstall(ctx context.Context, name, keyFile, dir string) int {
	install := func(file string) int {
		a, err := pack.OpenFile(file)
		if err == nil {
			_, err = a.Install(dir)
		}
		if err != nil {
			fmt.Fprintln(m.Err, err)
			return No
		}
		m.say(installed, a.About.ID, a.About.Version)
		return OK
	}
	if _, err := os.Stat(name); err != nil && distribution.IsPlace(name) {
		return m.fetch(ctx, name, keyFile, install)
	}
	if code := m.quietly().PackVerify(name, keyFile); code != OK {
		return code
	}
	return install(name)
}

// PackDiff says what changed from one version of a pack to another, and which results go stale.
func (m Mode) PackDiff(older, newer string) int {
	a, code := m.load(older)
	if a == nil {
		return code
	}
	b, code := m.load(newer)
	if b == nil {
		return code
	}
	found := pack.Diff(a, b)
	if m.JSON {
		return m.writeJSON(append([]pack.Difference{}, found...))
	}
	if len(found) == 0 {
		m.say(sameVersion)
	}
	for _, d := range found {
		line := cmp.Or(d.Lesson, b.ID) + ": " + d.What
		switch {
		case d.Beware:
			m.say(lintWarning, line)
		case d.Stale:
			m.say(goesStale, line)
		default:
			fmt.Fprintln(m.Out, line)
		}
	}
	return OK
}
