package desk

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/tui"
)

func nodeRow(r row) tui.NodeRow {
	status := r.text("Status")
	return tui.NodeRow{
		Name: r.meta.Name, Address: r.text("Internal-IP"), Status: status,
		Ready: status == "Ready" || strings.HasPrefix(status, "Ready,"), Created: r.meta.CreationTimestamp.Time,
	}
}

func podRow(r row) tui.PodRow {
	return tui.PodRow{
		Namespace: r.meta.Namespace, Name: r.meta.Name, Ready: r.text("Ready"), Status: r.text("Status"),
		Restarts: r.number("Restarts"), Node: known(r.text("Node")), Address: known(r.text("IP")),
		Owner: owner(r), Created: r.meta.CreationTimestamp.Time,
	}
}

func deploymentRow(r row) tui.WorkloadRow {
	ready, desired, _ := strings.Cut(r.text("Ready"), "/")
	w := workload(r, "Deployment")
	w.Ready, w.Desired = atoi(ready), atoi(desired)
	return w
}

func replicaSetRow(r row) tui.WorkloadRow {
	w := workload(r, "ReplicaSet")
	w.Ready, w.Desired = r.number("Ready"), r.number("Desired")
	return w
}

func workload(r row, kind string) tui.WorkloadRow {
	return tui.WorkloadRow{
		Kind: kind, Namespace: r.meta.Namespace, Name: r.meta.Name, Owner: owner(r), Created: r.meta.CreationTimestamp.Time,
	}
}

func serviceRow(r row) tui.ServiceRow {
	return tui.ServiceRow{
		Namespace: r.meta.Namespace, Name: r.meta.Name, Type: r.text("Type"), Address: r.text("Cluster-IP"), Ports: r.text("Port(s)"),
	}
}

func eventRow(r row) tui.EventRow {
	count := r.number("Count")
	return tui.EventRow{
		Time: eventTime(r), Warning: r.text("Type") == "Warning", Reason: r.text("Reason"), Object: r.text("Object"),
		Message: strings.TrimSpace(r.text("Message")), Count: max(count, 1),
	}
}

// eventTime is when an event was last seen. Its table holds an age, counted from when the row was sent.
func eventTime(r row) time.Time {
	age, err := time.ParseDuration(r.text("Last Seen"))
	if err != nil {
		return r.meta.CreationTimestamp.Time // older than a day, or just now
	}
	if at := r.seen.Add(-age); at.After(r.meta.CreationTimestamp.Time) {
		return at
	}
	return r.meta.CreationTimestamp.Time
}

// readyEndpoints counts the ready endpoints of one EndpointSlice, and names its Service as namespace/name.
func readyEndpoints(r row) (service string, ready int) {
	var slice discoveryv1.EndpointSlice
	if err := json.Unmarshal(r.raw, &slice); err != nil {
		return "", 0 // not an EndpointSlice: it belongs to no Service that is shown
	}
	for _, e := range slice.Endpoints {
		if e.Conditions.Ready == nil || *e.Conditions.Ready { // nil means ready (EndpointConditions)
			ready++
		}
	}
	return slice.Namespace + "/" + slice.Labels[discoveryv1.LabelServiceName], ready
}

// owner is the object that controls a row's, as kind/name.
func owner(r row) string {
	if controller := metav1.GetControllerOf(&r.meta); controller != nil {
		return strings.ToLower(controller.Kind) + "/" + controller.Name
	}
	return ""
}

// known turns kubectl's word for nothing into nothing.
func known(cell string) string {
	if cell == "<none>" || cell == "<unknown>" {
		return ""
	}
	return cell
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // a server that prints no number counts none
	return n
}
