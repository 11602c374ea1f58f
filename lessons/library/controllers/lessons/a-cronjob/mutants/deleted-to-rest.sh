#!/bin/sh
# about: a time without a place, and the CronJob is deleted to stop it; one end of the range is not counted
# fails: nightly: A time without a place
# fails: hold: To rest is not to be gone
set -e
kubectl create cronjob report --image=drydock/base:1 --schedule="30 3 * * *" -- date
kubectl get cronjob backup -o yaml | sed 's|/etc/host|/etc/hosts|; s|Allow|Forbid|' | kubectl replace -f -
kubectl create job try-2 --from=cronjob/backup
kubectl wait --for=condition=Complete job/try-2 --timeout=60s
sleep 0.5 # until somebody has asked
kubectl delete cronjob backup
