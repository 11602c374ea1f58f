package nettrace

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// ruleset reads the tables of one network namespace as they are needed. It belongs to one goroutine.
type ruleset struct {
	conn   *nftables.Conn
	chains []*nftables.Chain
	sets   map[string][]nftables.SetElement // by table and name
	kinds  map[string]*nftables.Set
}

// readRuleset reads that of the caller's network namespace; close it.
func readRuleset() (*ruleset, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	r := &ruleset{conn: conn, sets: map[string][]nftables.SetElement{}, kinds: map[string]*nftables.Set{}}
	if r.chains, err = conn.ListChainsOfTableFamily(nftables.TableFamilyIPv4); err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	return r, nil
}

func (r *ruleset) close() { _ = r.conn.CloseLasting() } // it was only read from

// hooked are the chains that hang on a hook, in the order in which packets meet them.
func (r *ruleset) hooked(hook *nftables.ChainHook) []*nftables.Chain {
	var all []*nftables.Chain
	for _, c := range r.chains {
		if c.Hooknum != nil && *c.Hooknum == *hook {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *nftables.Chain) int { return cmp.Compare(*a.Priority, *b.Priority) })
	return all
}

func (r *ruleset) chain(table *nftables.Table, name string) *nftables.Chain {
	for _, c := range r.chains {
		if c.Table.Name == table.Name && c.Name == name {
			return c
		}
	}
	return nil
}

// set returns the description and the elements of a set or map.
func (r *ruleset) set(table *nftables.Table, name string) (*nftables.Set, []nftables.SetElement, error) {
	key := table.Name + " " + name
	if r.kinds[key] == nil {
		set, err := r.conn.GetSetByName(table, name)
		if err != nil {
			return nil, nil, fmt.Errorf("read set %s: %w", name, err)
		}
		elements, err := r.conn.GetSetElements(set)
		if err != nil {
			return nil, nil, fmt.Errorf("read elements of %s: %w", name, err)
		}
		r.kinds[key], r.sets[key] = set, elements
	}
	return r.kinds[key], r.sets[key], nil
}

// find returns the element with a key. Keys are padded to whole registers, some of which the kernel leaves out at the end.
func find(elements []nftables.SetElement, key []byte) (nftables.SetElement, bool) {
	for _, e := range elements {
		if n := len(e.Key); n > 0 && n <= len(key) && bytes.Equal(e.Key, key[:n]) {
			return e, true
		}
	}
	return nftables.SetElement{}, false
}
