#!/bin/sh
# about: another controller altogether: told by two watches instead of asking, all pods in one go, numbered names
# answer: who makes
set -e
cat > mine.sh <<'LOOP'
{ kubectl get configmap wish -w -o name & kubectl get pods -l keeper=loop -w -o name & wait; } |
  while read -r _; do
    wanted=$(kubectl get configmap wish -o jsonpath='{.data.replicas}')
    for i in 1 2 3 4 5; do
      if [ "$i" -le "$wanted" ]; then
        kubectl get pod "p$i" > /dev/null 2>&1 ||
          kubectl run "p$i" --image=drydock/base:1 --labels=keeper=loop --command -- sleep infinity
      else
        kubectl delete pod "p$i" --now --ignore-not-found
      fi
    done
  done
LOOP
setsid sh mine.sh > mine.log 2>&1 &
loop=$!
trap 'kill -- -$loop' EXIT
three() { until [ "$(kubectl get pods -l keeper=loop --field-selector=status.phase=Running -o name | grep -c pod/)" = 3 ]; do sleep 0.2; done; }
three
kubectl delete pod p2 --now
three
kubectl patch configmap wish -p '{"data":{"replicas":"2"}}'
kubectl create -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl delete pods -l app=web --wait=false
kubectl wait --for=delete pod/p3 --timeout=60s
