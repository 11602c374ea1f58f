package scheduler

// nodeName lets a pod that names its node go only there.
type nodeName struct{}

var wrongName = &refusal{plugin: "NodeName", reasons: []string{"node(s) didn't match the requested node name"}}

func (nodeName) Name() string { return "NodeName" }

func (nodeName) Events() change { return nodeAdded }

func (nodeName) Filter(p *podInfo, n *nodeInfo) *refusal {
	if p.Spec.NodeName != "" && p.Spec.NodeName != n.node.Name {
		return wrongName
	}
	return nil
}
