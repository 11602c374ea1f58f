package proxy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"drydock/engine/decision"
)

// record tells of one service port whose rules have changed.
func (p *Proxy) record(c change, took time.Duration) {
	port := c.after
	rec := decision.Record{
		Actor: p.actor(), Action: "SyncService", Before: describe(c.before), After: describe(c.after),
		Object:  decision.Object{Resource: "services", Namespace: c.id().service.namespace, Name: c.id().service.name},
		Details: map[string]string{"took": took.Round(time.Microsecond).String()},
	}
	switch {
	case c.before == nil:
		rec.Reason = "Added"
	case c.after == nil:
		rec.Reason, port = "Removed", c.before
	default:
		rec.Reason = "EndpointsChanged"
	}
	inside, usable := port.policy(port.internalLocal)
	rec.Details["chain"] = port.chain(inside)
	switch {
	case c.after == nil:
	case !port.served:
		rec.Message = fmt.Sprintf("%s has no endpoints: connections are rejected", port.address)
	case !usable:
		rec.Message = fmt.Sprintf("%s has no endpoints on this node and may use no others: connections are dropped", port.address)
	default:
		rec.Message = fmt.Sprintf("%s leads to one of %d endpoints", port.address, len(port.behind(inside)))
	}
	p.cfg.Recorder.Record(rec)
}

func describe(port *servicePort) string {
	if port == nil {
		return ""
	}
	inside, _ := port.policy(port.internalLocal)
	behind := port.behind(inside)
	var endpoints []string
	for _, e := range behind {
		endpoints = append(endpoints, e.String())
	}
	if len(endpoints) > 8 {
		endpoints = append(endpoints[:8], fmt.Sprintf("and %d more", len(behind)-8))
	}
	text := fmt.Sprintf("%s -> [%s]", port.address, strings.Join(endpoints, " "))
	if port.nodePort != 0 {
		text += fmt.Sprintf(" nodePort %d", port.nodePort)
	}
	if len(port.external) > 0 {
		text += fmt.Sprintf(" external %v", port.external)
	}
	if port.affinity > 0 {
		text += fmt.Sprintf(" affinity %s", port.affinity)
	}
	if port.externalLocal || port.internalLocal {
		text += fmt.Sprintf(" local %v", port.local)
	}
	return text
}

func (p *Proxy) recordTable(action, before, after, reason string) {
	p.cfg.Recorder.Record(decision.Record{
		Actor: p.actor(), Action: action, Before: before, After: after, Reason: reason,
		Object: decision.Object{Resource: "nodes", Name: p.cfg.NodeName},
	})
}

func (p *Proxy) actor() string { return "proxy/" + p.cfg.NodeName }

// removalsFirst keeps the order of diff across services.
func removalsFirst(changes []change) []change {
	slices.SortStableFunc(changes, func(a, b change) int { return rank(a) - rank(b) })
	return changes
}
