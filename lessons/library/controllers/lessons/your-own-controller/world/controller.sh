#!/bin/sh
# A controller: it keeps as many pods with the label keeper=loop as the ConfigMap wish says.

reconcile() {
  wanted=$(kubectl get configmap wish -o jsonpath='{.data.replicas}') || return
  pods=$(kubectl get pods -l keeper=loop -o name) || return
  there=$(echo "$pods" | grep -c pod/)

  if [ "$there" -lt "$wanted" ]; then
    echo "wanted $wanted, there $there: one too few"
    # 1. Here a pod must be made. Its name does not matter, its label does.

  elif [ "$there" -gt "$wanted" ]; then
    echo "wanted $wanted, there $there: one too many"
    # 2. Here a pod must go. Which one does not matter.

  fi
}

while :; do
  reconcile
  sleep 0.5
done
