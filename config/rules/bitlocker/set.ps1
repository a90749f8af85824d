param([string] $method_of_encryption = 'XtsAes256')

$drive = $env:SystemDrive
if (-not (Get-Tpm).TpmReady) { throw 'the TPM is not ready: nothing was encrypted' }
$protectors = (Get-BitLockerVolume -MountPoint $drive).KeyProtector.KeyProtectorType
if ('RecoveryPassword' -notin $protectors) {
    Add-BitLockerKeyProtector -MountPoint $drive -RecoveryPasswordProtector | Out-Null
}
# The key is with the directory before the drive is locked by it.
$key = (Get-BitLockerVolume -MountPoint $drive).KeyProtector |
    Where-Object KeyProtectorType -eq 'RecoveryPassword' | Select-Object -First 1
BackupToAAD-BitLockerKeyProtector -MountPoint $drive -KeyProtectorId $key.KeyProtectorId | Out-Null
if ((Get-BitLockerVolume -MountPoint $drive).VolumeStatus -eq 'FullyDecrypted') {
    Enable-BitLocker -MountPoint $drive -TpmProtector -EncryptionMethod $method_of_encryption -SkipHardwareTest
} else {
    Resume-BitLocker -MountPoint $drive
}
