package scheduler

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// explained is the most nodes that a decision record speaks of.
const explained = 50

// leftOut says in a record that it does not speak of all nodes. Its key sorts after every name of a node.
func leftOut(details map[string]string, nodes int) map[string]string {
	if more := nodes - len(details); more > 0 {
		details["…"] = fmt.Sprintf("%d more nodes, which this record leaves out", more)
	}
	return details
}

// explain says for each node what the plugins thought of it.
func (c *cycle) explain(fitting []candidate, d diagnosis) map[string]string {
	details := refusalDetails(d)
	for _, f := range fitting[:min(len(fitting), explained-len(details))] {
		if f.points == nil {
			details[f.node.node.Name] = "fits: the only one"
			continue
		}
		parts := make([]string, len(c.scorers))
		for k, plugin := range c.scorers {
			parts[k] = fmt.Sprintf("%s %d", plugin.Name(), f.points[k])
		}
		details[f.node.node.Name] = fmt.Sprintf("fits: score %d (%s)", f.total, strings.Join(parts, ", "))
	}
	return leftOut(details, len(fitting)+len(d.refusals))
}

func refusalDetails(d diagnosis) map[string]string {
	details := map[string]string{}
	for node, r := range d.refusals {
		if len(details) == explained {
			break
		}
		details[node] = r.plugin + ": " + strings.Join(r.reasons, ", ")
	}
	return details
}

// unschedulable tells the pod's user and writes the record.
func (s *Scheduler) unschedulable(ctx context.Context, p *podInfo, d diagnosis) {
	message, voice := d.message(), s.profiles[p.Spec.SchedulerName]
	voice.Warning(p.Pod, "FailedScheduling", "%s", message)
	voice.Decide(decision.Record{
		Object: controller.Refer("pods", p), Action: "Schedule", Reason: "FailedScheduling", Message: message, Details: leftOut(refusalDetails(d), len(d.refusals)),
	})
	s.setCondition(ctx, p, told{reason: corev1.PodReasonUnschedulable, message: message, nominated: d.preemption.nominated})
}

// waitAtGate is the PreEnqueue phase: a pod with scheduling gates is not looked at before the last of them is taken away.
func (s *Scheduler) waitAtGate(ctx context.Context, a *attempt) {
	s.queue.setAside(a, waits{gated: true})
	s.setCondition(ctx, a.podInfo, told{
		reason: corev1.PodReasonSchedulingGated, message: "Scheduling is blocked due to non-empty scheduling gates",
	})
}
