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
	rec.Details["chain"] = port.chain()
	if len(port.endpoints) == 0 && c.after != nil {
		rec.Message = fmt.Sprintf("%s has no endpoints: connections are rejected", port.address)
	} else if c.after != nil {
		rec.Message = fmt.Sprintf("%s leads to one of %d endpoints", port.address, len(port.endpoints))
	}
	p.cfg.Recorder.Record(rec)
}

func describe(port *servicePort) string {
	if port == nil {
		return ""
	}
	var endpoints []string
	for _, e := range port.endpoints {
		endpoints = append(endpoints, e.String())
	}
	if len(endpoints) > 8 {
		endpoints = append(endpoints[:8], fmt.Sprintf("and %d more", len(port.endpoints)-8))
	}
	text := fmt.Sprintf("%s -> [%s]", port.address, strings.Join(endpoints, " "))
	if port.nodePort != 0 {
		text += fmt.Sprintf(" nodePort %d", port.nodePort)
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
