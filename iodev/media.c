/* SPDX-License-Identifier: MIT
 * Removable media: finds the drive behind a device.
 */
#include "iodev/media.h"
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/fdc.h"

/* NULL: nothing that has removable media. */
static struct device *floppy_at(struct device *dev, unsigned drive)
{
    if (dev && dev->class == &fdc_class) return fdc_drive(dev, drive);
    return dev && dev->class == &floppy_class && !drive ? dev : NULL;
}

const char *media_change(struct device *dev, unsigned drive, const char *path)
{
    struct device *floppy = floppy_at(dev, drive);
    if (dev && dev->class == &atapi_cd_class) return atapi_cd_change(dev, path);
    return floppy ? floppy_change(floppy, path) : "not a drive with removable media";
}

const char *media_eject(struct device *dev, unsigned drive)
{
    struct device *floppy = floppy_at(dev, drive);
    if (dev && dev->class == &atapi_cd_class) return atapi_cd_eject(dev);
    return floppy ? floppy_eject(floppy) : "not a drive with removable media";
}
