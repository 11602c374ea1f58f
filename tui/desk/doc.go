// Package desk is the real lab and the real course behind the interface: it turns what the lab's control socket, the
// Kubernetes API and package course say into the plain values that package tui draws.
//
//	lab.go      a tui.Lab: starts the lab, opens shells on pseudo-terminals
//	cluster.go  what the cluster looks like, from watches of the tables that `kubectl get` prints
//	rows.go     the cells of those tables as rows
//	course.go   a tui.Course over package course
package desk
