// Package replicaset keeps as many pods as each ReplicaSet asks for.
//
// # Part played
//
// The ReplicaSet controller of kube-controller-manager.
//
// # How it works
//
// web-5d4f wants three pods and its selector says app=web. Reconcile lists the pods that web-5d4f controls and those that
// nobody controls, claims the ones that match (adopting, releasing), and finds two that are active. One is missing, so it
// writes down that it expects one creation and creates a pod from the template, with web-5d4f as its controller. Many
// pods are created in a slow start: 1, 2, 4 and so on, as long as the API server agrees. With four pods it would delete
// one: the order of controller.Surplus says which one is missed least. Last it counts ready and available pods into the status.
//
// # Left out
//
// Pod finalizers other than those in the template.
//
// # In Kubernetes
//
// pkg/controller/replicaset/replica_set.go; pkg/controller/controller_utils.go for the order of deletion.
package replicaset
