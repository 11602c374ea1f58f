package store

import (
	"slices"
	"strings"
)

// version is what a key was from revision on; kv is nil from its deletion on.
type version struct {
	revision int64
	kv       *KV
}

// entry is one key with the versions still remembered, oldest first, never none.
type entry struct {
	key      string
	versions []version
}

// at is what the key was at a revision, nil when it did not exist.
func (e *entry) at(revision int64) *KV {
	for i := len(e.versions) - 1; i >= 0; i-- {
		if e.versions[i].revision <= revision {
			return e.versions[i].kv
		}
	}
	return nil
}

// newest is the last version, also when it is not visible yet.
func (e *entry) newest() version { return e.versions[len(e.versions)-1] }

// blockSize is where a block of the index is split: small enough that inserting a key moves little memory, large enough
// that the list of blocks stays short.
const blockSize = 512

// index holds the entries in the order of their keys, in blocks of at most blockSize. It has no lock of its own.
type index struct {
	blocks [][]*entry // none of them empty
}

// find returns where key is, or where it would have to be inserted.
func (x *index) find(key string) (block, slot int, found bool) {
	block, _ = slices.BinarySearchFunc(x.blocks, key, func(b []*entry, key string) int {
		return strings.Compare(b[len(b)-1].key, key)
	})
	if block == len(x.blocks) {
		return block, 0, false
	}
	slot, found = slices.BinarySearchFunc(x.blocks[block], key, func(e *entry, key string) int {
		return strings.Compare(e.key, key)
	})
	return block, slot, found
}

// get returns the entry of key, or nil.
func (x *index) get(key string) *entry {
	block, slot, found := x.find(key)
	if !found {
		return nil
	}
	return x.blocks[block][slot]
}

// put adds a version of key, newer than every other one.
func (x *index) put(key string, v version) {
	block, slot, found := x.find(key)
	switch {
	case found:
		e := x.blocks[block][slot]
		e.versions = append(e.versions, v)
		return
	case len(x.blocks) == 0:
		x.blocks = [][]*entry{nil}
	case block == len(x.blocks): // beyond the last key
		block--
		slot = len(x.blocks[block])
	}
	e := &entry{key: key, versions: []version{v}}
	x.blocks[block] = slices.Insert(x.blocks[block], slot, e)
	if len(x.blocks[block]) > blockSize {
		x.split(block)
	}
}

func (x *index) split(block int) {
	full := x.blocks[block]
	half := len(full) / 2
	right := append(make([]*entry, 0, blockSize+1), full[half:]...)
	clear(full[half:])
	x.blocks[block] = full[:half]
	x.blocks = slices.Insert(x.blocks, block+1, right)
}

// rollback forgets the versions of key that are newer than revision.
func (x *index) rollback(key string, revision int64) {
	x.cut(key, func(versions []version) []version {
		keep := len(versions)
		for keep > 0 && versions[keep-1].revision > revision {
			keep--
		}
		clear(versions[keep:])
		return versions[:keep]
	})
}

// compact forgets the versions of key that nobody can ask for when the oldest readable revision is oldest.
func (x *index) compact(key string, oldest int64) {
	x.cut(key, func(versions []version) []version {
		first := 0
		for first+1 < len(versions) && versions[first+1].revision <= oldest {
			first++
		}
		if versions[first].kv == nil && versions[first].revision <= oldest {
			first++ // absent is what it also is without the tombstone
		}
		return slices.Delete(versions, 0, first)
	})
}

// cut replaces the versions of key and removes the entry when none are left.
func (x *index) cut(key string, change func([]version) []version) {
	block, slot, found := x.find(key)
	if !found {
		return
	}
	e := x.blocks[block][slot]
	if e.versions = change(e.versions); len(e.versions) > 0 {
		return
	}
	x.blocks[block] = slices.Delete(x.blocks[block], slot, slot+1)
	if len(x.blocks[block]) == 0 {
		x.blocks = slices.Delete(x.blocks, block, block+1)
	}
}

// ascend calls fn for the entries whose keys start with prefix, from the key from on, until fn says false.
func (x *index) ascend(prefix, from string, fn func(*entry) bool) {
	block, slot, _ := x.find(max(prefix, from))
	for ; block < len(x.blocks); block, slot = block+1, 0 {
		for _, e := range x.blocks[block][slot:] {
			if !strings.HasPrefix(e.key, prefix) || !fn(e) {
				return
			}
		}
	}
}
