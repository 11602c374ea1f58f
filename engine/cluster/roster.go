package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"drydock/engine/cluster/control"
)

// usualNodes is how many nodes a new lab gets when nobody says.
const usualNodes = 3

// member is what a lab remembers of a node from one start to the next.
type member struct {
	Number   int               `json:"number"` // gives its name and its addresses
	Labels   map[string]string `json:"labels,omitempty"`
	Capacity map[string]string `json:"capacity,omitempty"`
}

// loadRoster finds out which nodes the lab has: those of its last life, and for a new lab as many as were asked for.
func (c *Cluster) loadRoster() error {
	members, err := readRoster(c.opts.Lab.Roster())
	if err != nil {
		return err
	}
	wanted := c.opts.Nodes
	if wanted == 0 {
		wanted = max(len(members), 1)
		if members == nil {
			wanted = usualNodes
		}
	}
	if wanted < 1 || wanted > maxNodes {
		return fmt.Errorf("a lab has 1 to %d nodes, not %d", maxNodes, wanted)
	}
	if wanted < len(members) {
		return fmt.Errorf("this lab has %d nodes already, more than %d: `drydock node rm NAME` takes one away, `drydock reset` begins anew", len(members), wanted)
	}
	for len(members) < wanted {
		members = append(members, member{Number: nextNumber(members)})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range members {
		n := newNode(m)
		c.nodes[n.name] = n
	}
	return c.saveRosterLocked()
}

func readRoster(path string) ([]member, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of nodes: %w", err)
	}
	members := []member{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("read the list of nodes in %s: %w", path, err)
	}
	return slices.DeleteFunc(members, func(m member) bool { return m.Number < 1 || m.Number > maxNodes }), nil
}

// saveRosterLocked writes the list so that a crash leaves the old or the new one.
func (c *Cluster) saveRosterLocked() error {
	members := []member{}
	for _, n := range c.sortedLocked() {
		members = append(members, n.member)
	}
	text, err := json.MarshalIndent(members, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the list of nodes: %w", err)
	}
	path := c.opts.Lab.Roster()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("save the list of nodes: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save the list of nodes: %w", err)
	}
	return nil
}

// nextNumber continues the count; a number is used again only when there are no others left, because a name that comes back as
// another machine confuses whoever remembers the first.
func nextNumber(members []member) int {
	used, highest := map[int]bool{}, 0
	for _, m := range members {
		used[m.Number], highest = true, max(highest, m.Number)
	}
	if highest < maxNodes {
		return highest + 1
	}
	for i := 1; i <= maxNodes; i++ {
		if !used[i] {
			return i
		}
	}
	return maxNodes + 1
}

// enlist adds the planned machines to the list, still without power.
func (c *Cluster) enlist(p control.NodePlan) ([]*node, error) {
	if err := checkPlan(p); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.nodes)+p.Count > maxNodes {
		return nil, fmt.Errorf("a lab has at most %d nodes, and this one has %d", maxNodes, len(c.nodes))
	}
	var added []*node
	for range p.Count {
		members := make([]member, 0, len(c.nodes))
		for _, n := range c.nodes {
			members = append(members, n.member)
		}
		n := newNode(member{Number: nextNumber(members), Labels: p.Labels, Capacity: p.Capacity})
		c.nodes[n.name] = n
		added = append(added, n)
	}
	return added, c.saveRosterLocked()
}

// strike takes a node off the list.
func (c *Cluster) strike(n *node) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.nodes, n.name)
	return c.saveRosterLocked()
}

// checkPlan refuses what a kubelet could not say of itself.
func checkPlan(p control.NodePlan) error {
	if p.Count < 1 {
		return fmt.Errorf("at least 1 node can be added, not %d", p.Count)
	}
	for key, value := range p.Labels {
		for _, problem := range validation.IsQualifiedName(key) {
			return fmt.Errorf("label %q: %s", key, problem)
		}
		for _, problem := range validation.IsValidLabelValue(value) {
			return fmt.Errorf("label %s=%q: %s", key, value, problem)
		}
	}
	for name, text := range p.Capacity {
		quantity, err := resource.ParseQuantity(text)
		if err != nil || quantity.Sign() <= 0 {
			return fmt.Errorf("capacity %s=%q: a quantity above zero is expected, like cpu=2, memory=1Gi or pods=20", name, text)
		}
		if !slices.Contains([]string{"cpu", "memory", "pods", "ephemeral-storage"}, name) {
			return fmt.Errorf("capacity %s: a node has cpu, memory, pods and ephemeral-storage", name)
		}
	}
	return nil
}

// sortedLocked are all nodes by number.
func (c *Cluster) sortedLocked() []*node {
	all := make([]*node, 0, len(c.nodes))
	for _, n := range c.nodes {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b *node) int { return a.Number - b.Number })
	return all
}

// allNodes are all nodes by number.
func (c *Cluster) allNodes() []*node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sortedLocked()
}

func (c *Cluster) find(name string) (*node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[name]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("this lab has no node %q; `drydock node ls` lists them", name)
}
