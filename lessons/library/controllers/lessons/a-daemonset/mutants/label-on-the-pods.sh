#!/bin/sh
# about: the label is put on the DaemonSet's pods instead of a node; a DaemonSet without a node is thought to leave pods Pending
# fails: some: A label that nobody asks for changes nothing
# fails: missing: A DaemonSet that fits no node is content
# answer: missing pending
set -e
kubectl apply -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
kubectl delete "$(kubectl get pods -l app=agent -o name | head -n 1)"
kubectl rollout status daemonset/agent --timeout=60s
kubectl drain node-2 --ignore-daemonsets
kubectl rollout status deployment/shop --timeout=60s
kubectl uncordon node-2
kubectl label pods -l app=agent disk=ssd
