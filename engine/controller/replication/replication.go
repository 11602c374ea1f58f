// Package replication keeps as many pods as each ReplicationController asks for.
//
// # Part played
//
// The ReplicationController controller of kube-controller-manager.
//
// # How it works
//
// A ReplicationController is what a ReplicaSet was before it could select by expressions. So there is no second controller:
// this package shows each ReplicationController as a ReplicaSet to the one in package replicaset, and turns the status that
// comes back into its own. What users see (Events, owner references) is about the ReplicationController.
//
// # Left out
//
// Nothing of its own.
//
// # In Kubernetes
//
// pkg/controller/replication: conversion.go does the same with a client, a lister and informers that convert.
package replication

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
	"drydock/engine/controller/replicaset"
)

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*replicaset.Controller, error) {
	client := cfg.Client.CoreV1()
	c, err := replicaset.NewOf(cfg, replicaset.Source{
		Name: "replication-controller", Kind: corev1.SchemeGroupVersion.WithKind("ReplicationController"),
		Informer: cfg.Informers.Core().V1().ReplicationControllers().Informer(),
		Show:     func(obj any) *appsv1.ReplicaSet { return show(obj.(*corev1.ReplicationController)) },
		Hide:     func(rs *appsv1.ReplicaSet) controller.Owner { return hide(rs) },
		Read: func(ctx context.Context, key controller.Key) (*appsv1.ReplicaSet, error) {
			rc, err := client.ReplicationControllers(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			return show(rc), nil
		},
		WriteStatus: func(ctx context.Context, rs *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error) {
			rc, err := client.ReplicationControllers(rs.Namespace).UpdateStatus(ctx, hide(rs), metav1.UpdateOptions{})
			if err != nil {
				return nil, err
			}
			return show(rc), nil
		},
	})
	if c != nil {
		c.Resource = "replicationcontrollers"
	}
	return c, err
}

// show is a ReplicationController as a ReplicaSet. They share what lies behind pointers: neither may be changed.
func show(rc *corev1.ReplicationController) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{
		ObjectMeta: rc.ObjectMeta,
		Spec: appsv1.ReplicaSetSpec{
			Replicas: rc.Spec.Replicas, MinReadySeconds: rc.Spec.MinReadySeconds,
			Selector: &metav1.LabelSelector{MatchLabels: rc.Spec.Selector},
		},
		Status: appsv1.ReplicaSetStatus{
			Replicas: rc.Status.Replicas, FullyLabeledReplicas: rc.Status.FullyLabeledReplicas, ReadyReplicas: rc.Status.ReadyReplicas,
			AvailableReplicas: rc.Status.AvailableReplicas, ObservedGeneration: rc.Status.ObservedGeneration,
		},
	}
	if rc.Spec.Template != nil {
		rs.Spec.Template = *rc.Spec.Template
	}
	for _, c := range rc.Status.Conditions {
		rs.Status.Conditions = append(rs.Status.Conditions, appsv1.ReplicaSetCondition{
			Type: appsv1.ReplicaSetConditionType(c.Type), Status: c.Status,
			LastTransitionTime: c.LastTransitionTime, Reason: c.Reason, Message: c.Message,
		})
	}
	return rs
}

// hide is the way back. The number of terminating replicas has no place in a ReplicationController.
func hide(rs *appsv1.ReplicaSet) *corev1.ReplicationController {
	rc := &corev1.ReplicationController{
		ObjectMeta: rs.ObjectMeta,
		Spec: corev1.ReplicationControllerSpec{
			Replicas: rs.Spec.Replicas, MinReadySeconds: rs.Spec.MinReadySeconds,
			Selector: rs.Spec.Selector.MatchLabels, Template: &rs.Spec.Template,
		},
		Status: corev1.ReplicationControllerStatus{
			Replicas: rs.Status.Replicas, FullyLabeledReplicas: rs.Status.FullyLabeledReplicas, ReadyReplicas: rs.Status.ReadyReplicas,
			AvailableReplicas: rs.Status.AvailableReplicas, ObservedGeneration: rs.Status.ObservedGeneration,
		},
	}
	for _, c := range rs.Status.Conditions {
		rc.Status.Conditions = append(rc.Status.Conditions, corev1.ReplicationControllerCondition{
			Type: corev1.ReplicationControllerConditionType(c.Type), Status: c.Status,
			LastTransitionTime: c.LastTransitionTime, Reason: c.Reason, Message: c.Message,
		})
	}
	return rc
}
