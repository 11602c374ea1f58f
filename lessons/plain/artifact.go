package plain

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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

// PackBuild makes one file of the pack in a folder. Without a name for it, the pack's id, version and variant name it.
func (m Mode) PackBuild(dir, file string, variant pack.Variant, keyFile string) int {
	a, err := pack.Build(os.DirFS(dir), variant)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return No
	}
	if keyFile != "" {
		key, err := os.ReadFile(keyFile)
		if err == nil {
			err = a.Sign(key)
		}
		if err != nil {
			fmt.Fprintln(m.Err, err)
			return Usage
		}
	}
	file = cmp.Or(file, fmt.Sprintf("%s-%s-%s.dockpack", a.About.ID, a.About.Version, variant))
	if err := writeArtifact(file, a); err != nil {
		fmt.Fprintln(m.Err, err)
		return Broken
	}
	if m.JSON {
		return m.writeJSON(map[string]any{"file": file, "pack": a.About, "manifest": a.Manifest.Digest, "signed": a.Signed()})
	}
	m.say(builtPack, file, a.Manifest.Digest)
	return OK
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

// PackInstall keeps a built pack, so that `--pack ID` finds it. With a public key, only what its owner signed.
func (m Mode) PackInstall(file, keyFile, dir string) int {
	if code := (Mode{Out: m.Err, Err: m.Err, Lang: m.Lang}).PackVerify(file, keyFile); code != OK {
		return code
	}
	a, err := pack.OpenFile(file)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return No
	}
	if _, err := a.Install(dir); err != nil {
		fmt.Fprintln(m.Err, err)
		return No
	}
	m.say(installed, a.About.ID, a.About.Version)
	return OK
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
