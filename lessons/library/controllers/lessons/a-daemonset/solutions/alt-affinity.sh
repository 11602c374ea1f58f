#!/bin/sh
# about: the node is cordoned and emptied by hand, node affinity in the place of a nodeSelector, and the label on node-2
# answer: missing none
set -e
kubectl create -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
kubectl delete pods -l app=agent --now
kubectl rollout status daemonset/agent --timeout=60s
kubectl cordon node-2
kubectl delete pods -l app=shop --field-selector=spec.nodeName=node-2
kubectl rollout status deployment/shop --timeout=60s
kubectl patch node node-2 --patch '{"spec":{"unschedulable":null}}'
kubectl label node node-2 disk=ssd
kubectl patch daemonset agent --patch '
spec:
  template:
    spec:
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions:
              - {key: disk, operator: In, values: [ssd, nvme]}
'
