package scheduler

// nodeName lets a pod that names its node go only there.
type nodeName struct{}

var wrongName = &refusal{plugin: "NodeName", reasons: []string{"node(s) didn't match the requested node name"}}

func (nodeName) Name() string { return "NodeName" }

// Helps when the node has come.
func (nodeName) Helps(p *podInfo, e event) bool {
	return e.what&nodeAdded != 0 && e.node.Name == p.Spec.NodeName
}

func (nodeName) Filter(p *podInfo, n *nodeInfo) *refusal {
	if p.Spec.NodeName != "" && p.Spec.NodeName != n.node.Name {
		return wrongName
	}
	return nil
}
