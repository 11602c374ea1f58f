#!/bin/sh
# about: the DaemonSet is deleted because drain complains about it, and applied again afterwards
# fails: agents: The pods of a DaemonSet may stay on a node that is drained
# answer: missing none
set -e
kubectl apply -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
kubectl delete "$(kubectl get pods -l app=agent -o name | head -n 1)"
kubectl rollout status daemonset/agent --timeout=60s
kubectl delete daemonset agent --cascade=foreground # drain would still meet its pods
kubectl drain node-2
kubectl rollout status deployment/shop --timeout=60s
kubectl uncordon node-2
kubectl apply -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
